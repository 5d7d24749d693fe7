"""Making a labelled data set from alarms, other sounds and rooms."""

import contextlib
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

from ossicle.audio import check_rate, write_audio
from ossicle.datasets.dataset import SPLITS, Dataset
from ossicle.datasets.layering import Recipe, make_mix
from ossicle.datasets.provenance import mix_clip, provenance, rights
from ossicle.datasets.reading import read_dataset
from ossicle.datasets.sources import Pools, Source, deal_sources, gather_sources
from ossicle.datasets.tasks import is_background, make_task
from ossicle.errors import AudioError, DatasetError
from ossicle.types import Clip
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import (
    canonical_json,
    claimed,
    digest,
    read_json,
    replacing,
    write_json,
)

__all__ = ["mix_dataset"]

CODE = ("audio", *(f"datasets.{name}" for name in ("layering", "sources", "mixing", "provenance")))
"""What makes the sounds; when it changes, the same recipe makes others."""

MOST_MIXES = 1_000_000
"""Mixes that may be asked for: days of sound, and all that a table in memory should hold."""

UNFINISHED = ".unfinished"
FILES = ("audio", "mixes.jsonl", "clips.csv", "recipe.json")
"""What a finished folder holds; the last one says that it is finished."""

Labels = Literal["binary", "source"]
Sounds = Dataset | str | Path


def mix_dataset(
    *,
    alarms: Sounds,
    significant: Sounds | None = None,
    background: Sounds,
    out: str | Path,
    snr: tuple[float, float] = (-5.0, 20.0),
    seed: int = 0,
    n: int = 300,
    duration: float = 5.0,
    sample_rate: int = 16_000,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    labels: Labels = "binary",
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Mix alarms and other sounds into background recordings, half of the mixes with an alarm.

    Half of either kind also holds a significant sound, if there are any: each is heard once with
    and once without an alarm, so that its presence says nothing. An alarm lasts at least half of
    the mix: a longer one is cut at random, a shorter one repeated. The signal-to-noise ratio is
    drawn evenly, and measured where the sound is, against all that lies under it.

    Train, validation and test have their own alarms, significant sounds and backgrounds, dealt
    by group with the labels balanced. Where there are fewer background recordings than parts,
    each part has its own stretch of time of every recording instead.

    The ``group`` of a mix, which folds within a part keep together, is its alarm's; without an
    alarm it is the significant sound's, without either the background's. All sources at once
    would tie every mix to every other: each background meets many alarms. So folds ask for new
    alarms in rooms that may be known; that everything is new is for the test part to say.

    Parameters
    ----------
    alarms, significant, background : Dataset or path
        Paths are read by `read_dataset`. Files that cannot be opened are left out and named in
        ``recipe.json``; a draw that meets silence or damage is drawn anew.
    out : path
        A folder that is new, empty, or the finished result of this very recipe, which is then
        returned as it is. It gets ``audio/``, the table ``clips.csv``, and ``mixes.jsonl`` with
        the provenance of every mix. A killed run leaves nothing but what the next one clears.
    snr : (float, float)
        dB, least and most.
    seed : int
        Same seed and sounds, same bytes of every file, in whatever order the sounds come; only
        ``mixes.jsonl`` also says where they lay.
    n : int
        Mixes.
    duration : float
        Seconds of each.
    sample_rate : int
        Hz.
    fractions : sequence of float
        Train, validation and test part, with sum 1; 0 leaves a part out.
    labels : {"binary", "source"}
        ``alarm`` and ``other``, or the alarm's own label and ``other``.
    progress : callable, optional
        Called with the number of mixes done and of all.

    Returns
    -------
    Dataset
        With the official split.

    Raises
    ------
    DatasetError
        If a setting is out of range, sources are too few or silent, or ``out`` holds other files.

    >>> import tempfile
    >>> from ossicle.audio import alarm, background, write_audio
    >>> root = Path(tempfile.mkdtemp())
    >>> for number in range(3):
    ...     write_audio(root / f"alarms/{number}.wav", alarm("bell", 1.0, seed=number), 16_000)
    >>> write_audio(root / "room/fan.wav", background("fan", 6.0), 16_000)
    >>> mixed = mix_dataset(alarms=root / "alarms", background=root / "room", out=root / "mixed",
    ...                     n=10, duration=1.0)
    >>> [len(part) for part in mixed.official_split()], mixed.task().positive
    ([6, 2, 2], 'alarm')
    """
    recipe = Recipe(
        snr=(float(snr[0]), float(snr[1])),
        seed=seed,
        n=n,
        duration=float(duration),
        sample_rate=sample_rate,
        fractions=tuple(float(fraction) for fraction in fractions),
        labels=labels,
    )
    counts = _counts(_checked(recipe))
    given = {"alarm": alarms, "significant": significant, "background": background}
    sets = {role: _dataset(sounds) for role, sounds in given.items() if sounds is not None}
    sources, skipped = gather_sources(sets)
    _check_labels(sources, labels)
    out, written = Path(out), _written(recipe, sources, skipped)
    with _kept(out):
        if not _is_finished(out, written):
            pools = deal_sources(sources, recipe.fractions, seed=seed)
            with _filling(out) as folder:
                _fill(folder, pools, recipe, counts, progress)
                write_json(folder / "recipe.json", written)
    return read_dataset(out, layout="csv")


# What is asked for -------------------------------------------------------------------------


def _checked(recipe: Recipe) -> Recipe:
    try:
        check_rate(recipe.sample_rate)
    except AudioError as error:
        raise DatasetError(str(error)) from error
    (low, high), shares = recipe.snr, recipe.fractions
    for is_right, what in (
        (-100 <= low <= high <= 100, f"snr {low:g} to {high:g}; the lesser first, in dB, is"),
        (0.1 <= recipe.duration <= 3600, f"duration of {recipe.duration:g} s; 0.1 to 3600 s are"),
        (recipe.n <= MOST_MIXES, f"n={recipe.n} mixes; at most {MOST_MIXES} are"),
        (recipe.labels in get_args(Labels), f"labels={recipe.labels!r}; 'binary', 'source' are"),
        (_are_shares(shares), f"fractions {shares}; three from 0 to 1 with sum 1 are"),
        (recipe.seed >= 0, f"seed {recipe.seed}; whole numbers from 0 are"),
    ):
        if not is_right:
            raise DatasetError(f"{what} allowed")
    return recipe


def _are_shares(shares: Sequence[float]) -> bool:
    return len(shares) == len(SPLITS) and min(shares) >= 0 and math.isclose(sum(shares), 1.0)


def _counts(recipe: Recipe) -> list[int]:
    """Mixes of each part; largest remainders are rounded up."""
    exact = [recipe.n * fraction for fraction in recipe.fractions]
    counts = [math.floor(count + 1e-9) for count in exact]
    by_rest = sorted(range(len(exact)), key=lambda part: counts[part] - exact[part])
    for part in by_rest[: recipe.n - sum(counts)]:
        counts[part] += 1
    for name, count, share in zip(SPLITS, counts, recipe.fractions, strict=True):
        if share > 0 and count < 2:
            raise DatasetError(
                f"n={recipe.n} mixes leave {count} for {name}; at least 2, one with and one "
                "without an alarm, are needed in each part: ask for more"
            )
    return counts


def _dataset(sounds: Sounds) -> Dataset:
    return sounds if isinstance(sounds, Dataset) else read_dataset(sounds)


def _check_labels(sources: Sequence[Source], labels: Labels) -> None:
    found = {source.label for source in sources if source.role == "alarm"}
    wrong = sorted(label for label in found if not label or is_background(label))
    if labels == "source" and wrong:
        raise DatasetError(
            f"labels='source' needs alarms with labels of their own; found {wrong[0]!r}, which "
            "names no alarm; put them in one folder a label, or use labels='binary'"
        )


def _written(
    recipe: Recipe, sources: Sequence[Source], skipped: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The recipe as its file says it: settings, sounds by their bytes, and the digest of both."""
    rows = [[s.role, s.digest, s.start, s.end, s.label, s.group, *rights(s)] for s in sources]
    settings = {"code": code_digest(*CODE), **asdict(recipe)}
    return {
        "digest": digest(canonical_json([settings, rows])),
        **settings,
        "n_sources": len(sources),
        "skipped": [list(pair) for pair in skipped],
    }


# The folder --------------------------------------------------------------------------------


def _is_finished(out: Path, written: Mapping[str, Any]) -> bool:
    """Whether the folder holds the result; False where it is free, an error where it is not."""
    names = {path.name for path in out.iterdir()}
    if UNFINISHED in names and names <= {UNFINISHED, *FILES}:
        return False
    if "recipe.json" in names:
        held = read_json(out / "recipe.json")
        if isinstance(held, dict) and held.get("digest") == written["digest"]:
            return _is_whole(out, _file_names(written["n"]))
        raise DatasetError(
            f"{out} holds mixes of another recipe, or of another version of ossicle; "
            "remove it or choose another out"
        )
    if names:
        raise DatasetError(
            f"{out} is not empty, it holds {min(names)}; give a new or empty folder for the mixes"
        )
    return False


def _is_whole(out: Path, wanted: Sequence[str]) -> bool:
    """Whether all mixes of a finished folder are still there; an error if it holds strangers too.

    What has lost some is made again, which would remove the strangers.
    """
    audio = out / "audio"
    there = {path.name for path in audio.iterdir() if path.is_file()} if audio.is_dir() else set()
    lost, strangers = set(wanted) - there, there - set(wanted)
    if lost and strangers:
        raise DatasetError(
            f"{out} lacks audio/{min(lost)} and holds audio/{min(strangers)}, which is no mix; "
            "remove it or choose another out"
        )
    return not lost


def _file_names(n: int) -> list[str]:
    """Name of each mix."""
    width = max(4, len(str(n - 1)))
    return [f"{number:0{width}}.flac" for number in range(n)]


@contextlib.contextmanager
def _kept(out: Path) -> Iterator[None]:
    """The folder for this run alone, made if need be; a new one that stays empty goes again."""
    is_new = not out.exists()
    if not is_new and not out.is_dir():
        raise DatasetError(f"{out} is a file; give a new or empty folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with claimed(out):
            yield
    except OSError as error:
        raise DatasetError(f"cannot write mixes to {out}: {error}") from error
    finally:
        if is_new:
            with contextlib.suppress(OSError):
                out.rmdir()


@contextlib.contextmanager
def _filling(out: Path) -> Iterator[Path]:
    """A folder inside ``out`` to fill; its files move up when all are there."""
    unfinished = out / UNFINISHED
    try:
        _remove(out, UNFINISHED, *FILES)  # of a killed run: the folder is known to be no other's
        unfinished.mkdir(parents=True)
        yield unfinished
        for name in FILES:
            (unfinished / name).rename(out / name)
        unfinished.rmdir()
    except BaseException:
        with contextlib.suppress(OSError):
            _remove(out, UNFINISHED, *FILES)
        raise


def _remove(folder: Path, *names: str) -> None:
    for path in (folder / name for name in names):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _fill(
    folder: Path,
    pools: Pools,
    recipe: Recipe,
    counts: Sequence[int],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Every mix as a sound, a line of provenance and a row of the table."""
    names = _file_names(recipe.n)
    clips: list[Clip] = []
    lines: list[str] = []
    parts = [part for part, count in enumerate(counts) for _ in range(count)]
    for number, part in enumerate(parts):
        mix = make_mix(number, {role: pool[part] for role, pool in pools.items()}, recipe)
        path = folder / "audio" / names[number]
        write_audio(path, mix.samples, recipe.sample_rate)
        clips.append(mix_clip(path, mix, SPLITS[part], recipe.labels))
        lines.append(canonical_json(provenance(clips[-1], mix)))
        if progress is not None:
            progress(number + 1, recipe.n)
    with replacing(folder / "mixes.jsonl") as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    task = make_task("label", {clip.labels["label"] for clip in clips})
    Dataset(tuple(clips), (task,), name=folder.name).to_csv(folder / "clips.csv")
