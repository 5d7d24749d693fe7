"""Making a labelled data set from alarms, other sounds and rooms."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ossicle.audio import write_audio
from ossicle.datasets.dataset import SPLITS, Dataset
from ossicle.datasets.drawing import Turn
from ossicle.datasets.layering import make_mix
from ossicle.datasets.mix_folder import file_names, filling, is_finished, kept
from ossicle.datasets.provenance import (
    MixedEvent,
    mix_clip,
    mix_events,
    provenance,
    rights,
    write_events,
)
from ossicle.datasets.reading import read_dataset
from ossicle.datasets.recipes import Bank, Labels, Loudness, Recipe, Sounds, checked
from ossicle.datasets.sources import Pools, Source, deal_sources, gather_sources
from ossicle.datasets.tasks import is_background, make_task
from ossicle.errors import DatasetError
from ossicle.types import Clip
from ossicle.workflow.code import code_digest
from ossicle.workflow.executor import LocalCluster
from ossicle.workflow.files import canonical_json, digest, replacing, write_json

__all__ = ["mix_dataset"]

CODE = (
    "audio",
    *(
        f"datasets.{name}"
        for name in (
            "acoustics",
            "drawing",
            "layering",
            "mixing",
            "provenance",
            "recipes",
            "sources",
        )
    ),
)
"""What makes the sounds; when it changes, the same recipe makes others."""

BATCH = 16
"""Mixes that another process makes at a time."""


def mix_dataset(
    *,
    alarms: Sounds | Sequence[Sounds],
    significant: Sounds | Sequence[Sounds] | None = None,
    background: Sounds | Sequence[Sounds],
    rooms: Sounds | Sequence[Sounds] | tuple[float, float] | None = None,
    out: str | Path,
    snr: Sequence[float] = (-5.0, 20.0),
    events: tuple[int, int] = (1, 2),
    overlap: bool = True,
    loudness: Loudness = "rms",
    level: float | None = None,
    seed: int = 0,
    n: int = 300,
    duration: float = 5.0,
    sample_rate: int = 16_000,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    labels: Labels = "binary",
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Mix alarms and other sounds into background recordings, half of the mixes with an alarm.

    Mixes come in pairs of one with and one without an alarm. Both hold the same significant
    sounds, so that their presence says nothing. An alarm lasts at least half of the time it is
    given: a longer one is cut at random, a shorter one repeated. The signal-to-noise ratio is
    set where the sound is, against all that lies under it, and both are measured as `loudness`
    says: a faint and a loud recording of an alarm differ by their drawn ratio and nothing else.

    Train, validation and test have their own alarms, significant sounds, backgrounds and rooms,
    dealt by group with the labels balanced. Where there are fewer background recordings than
    parts, each part has its own stretch of time of every recording instead.

    The ``group`` of a mix, which folds within a part keep together, is its alarm's; without an
    alarm it is the significant sound's, without either the background's. All sources at once
    would tie every mix to every other: each background meets many alarms. So folds ask for new
    alarms in rooms that may be known; that everything is new is for the test part to say.

    Parameters
    ----------
    alarms, significant, background : Dataset, path, Bank, or several
        Paths are read by `read_dataset`; a `Bank` gives sounds a weight. Files that cannot be
        opened are left out and named in ``recipe.json``; a draw that meets silence or damage is
        drawn anew.
    rooms : (float, float) or as above, optional
        What the events are heard in; the background was recorded in a room already. Two numbers
        are the least and the most reverberation time (s) of made-up rooms, one a mix. Sounds
        are impulse responses, recorded.
    out : path
        A folder that is new, empty, or the finished result of this very recipe, which is then
        returned as it is. It gets ``audio/``, the table ``clips.csv``, the strong labels
        ``events.csv``, and ``mixes.jsonl`` with the provenance of every mix. A killed run leaves
        nothing but what the next one clears.
    snr : sequence of float
        dB. Two numbers: the least and the most. One, or three and more: exact ratios, each equally
        often in each part.
    events : (int, int)
        Least and most events of a mix with an alarm: the alarm, and significant sounds. The mix
        without has the same significant sounds.
    overlap : bool
        Events may sound at once; else they come one after the other, in any order.
    loudness : {"rms", "A"}
        How loud a sound is: the root mean square where it sounds, or the same A-weighted, which
        is nearer to what an ear hears.
    level : float, optional
        dBFS to which every background is brought; as it was recorded by default.
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
    n_jobs : int
        Processes, -1 for one per core; the bytes are the same with any number.
    progress : callable, optional
        Called with the number of mixes done and of all.

    Returns
    -------
    Dataset
        With the official split. Columns tell, besides, the labels of the sounds by role, the
        ratio of the alarm (or of the last significant sound) as drawn (``snr``), as measured
        against all else in the mix (``snr_measured``) and in steps of 5 dB (``snr_bin``), and
        ``rt60``. `mixed_events` gives every event.

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
    are_made = _are_numbers(rooms)
    recipe = _recipe(
        snr=snr,
        events=events,
        overlap=overlap,
        loudness=loudness,
        level=level,
        rt60=rooms if are_made else None,
        seed=seed,
        n=n,
        duration=duration,
        sample_rate=sample_rate,
        fractions=fractions,
        labels=labels,
    )
    counts = _counts(recipe)
    given = {"alarm": alarms, "significant": significant, "background": background}
    sources, skipped = gather_sources(_datasets(given | ({} if are_made else {"room": rooms})))
    _check_sources(sources, recipe)
    out, written = Path(out), _written(recipe, sources, skipped)
    with kept(out):
        if not is_finished(out, written):
            pools = deal_sources(sources, recipe.fractions, seed=seed)
            with filling(out) as folder:
                _fill(folder, pools, recipe, counts, LocalCluster(n_jobs), progress)
                write_json(folder / "recipe.json", written)
    return read_dataset(out, layout="csv")


# What is asked for -------------------------------------------------------------------------


def _are_numbers(rooms: object) -> bool:
    return isinstance(rooms, Sequence) and all(isinstance(each, int | float) for each in rooms)


def _recipe(**settings: Any) -> Recipe:
    """The settings in one form, so that one recipe has one name, and checked."""
    for name in ("snr", "fractions", "rt60"):
        given = settings[name]
        settings[name] = None if given is None else tuple(float(value) for value in given)
    settings["events"] = tuple(settings["events"])
    settings["duration"] = float(settings["duration"])
    settings["level"] = None if settings["level"] is None else float(settings["level"])
    return checked(Recipe(**settings))


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


def _datasets(given: dict[str, Any]) -> Iterator[tuple[str, Dataset, float]]:
    """Every data set that was given, with its role and its weight."""
    for role, sounds in given.items():
        is_one = isinstance(sounds, Dataset | Bank | str | Path)
        for each in [sounds] if is_one else sounds or ():
            bank = each if isinstance(each, Bank) else Bank(each)
            read = bank.sounds if isinstance(bank.sounds, Dataset) else read_dataset(bank.sounds)
            yield role, read.where(**bank.where), float(bank.weight)


def _check_sources(sources: Sequence[Source], recipe: Recipe) -> None:
    found = {source.label for source in sources if source.role == "alarm"}
    wrong = sorted(label for label in found if not label or is_background(label))
    if recipe.labels == "source" and wrong:
        raise DatasetError(
            f"labels='source' needs alarms with labels of their own; found {wrong[0]!r}, which "
            "names no alarm; put them in one folder a label, or use labels='binary'"
        )
    if recipe.events[0] > 1 and not any(source.role == "significant" for source in sources):
        raise DatasetError(
            f"events {recipe.events[0]} to {recipe.events[1]}, one of them an alarm, need "
            "significant sounds for the others; give some"
        )


def _written(
    recipe: Recipe, sources: Sequence[Source], skipped: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The recipe as its file says it: settings, sounds by their bytes, and the digest of both."""
    rows = [
        [s.role, s.digest, s.start, s.end, s.label, s.group, s.weight, *rights(s)] for s in sources
    ]
    settings = {"code": code_digest(*CODE), **asdict(recipe)}
    return {
        "digest": digest(canonical_json([settings, rows])),
        **settings,
        "n_sources": len(sources),
        "skipped": [list(pair) for pair in skipped],
    }


# What is made ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Made:
    """A mix as the tables tell it."""

    number: int
    clip: Clip
    line: str
    events: list[MixedEvent]


def _fill(
    folder: Path,
    pools: Pools,
    recipe: Recipe,
    counts: Sequence[int],
    cluster: LocalCluster,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Every mix as a sound, a line of provenance and rows of the tables."""
    function = partial(_make, folder=folder, pools=pools, recipe=recipe)
    made: list[_Made] = []
    for _, batch in cluster.run(function, _batches(counts, 1 if cluster.n_jobs == 1 else BATCH)):
        for mix in batch:
            made.append(mix)
            if progress is not None:
                progress(len(made), recipe.n)
    _write_tables(folder, sorted(made, key=lambda mix: mix.number))


def _batches(counts: Sequence[int], size: int) -> Iterator[tuple[Turn, ...]]:
    first = 0
    for part, count in enumerate(counts):
        numbers = range(first, first + count)
        for start in range(0, count, size):
            yield tuple(Turn(number, part, first) for number in numbers[start : start + size])
        first += count


def _make(turns: Iterable[Turn], *, folder: Path, pools: Pools, recipe: Recipe) -> list[_Made]:
    """The sounds of some mixes written, and what the tables say of them."""
    names, made = file_names(recipe.n), []
    for turn in turns:
        mix = make_mix(turn, {role: pool[turn.part] for role, pool in pools.items()}, recipe)
        path = folder / "audio" / names[turn.number]
        write_audio(path, mix.samples, recipe.sample_rate)
        clip = mix_clip(path, mix, SPLITS[turn.part], recipe)
        events = mix_events(clip, mix, recipe)
        made.append(_Made(turn.number, clip, canonical_json(provenance(clip, mix, events)), events))
    return made


def _write_tables(folder: Path, made: Sequence[_Made]) -> None:
    with replacing(folder / "mixes.jsonl") as temporary:
        temporary.write_text("".join(f"{mix.line}\n" for mix in made), encoding="utf-8")
    write_events(folder / "events.csv", (event for mix in made for event in mix.events))
    clips = tuple(mix.clip for mix in made)
    task = make_task("label", {clip.labels["label"] for clip in clips})
    Dataset(clips, (task,), name=folder.name).to_csv(folder / "clips.csv")
