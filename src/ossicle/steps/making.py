"""Steps that make data sets of data sets: dealt into parts, mixed, converted, written otherwise.

Each fills a folder that stands for itself: what it holds says nothing of where it came from.
"""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from ossicle.audio import Conversion
from ossicle.datasets import Dataset, mix_dataset
from ossicle.datasets.dataset import SPLITS
from ossicle.datasets.recipes import Labels, Loudness
from ossicle.steps.converting import RECORDS, convert_dataset
from ossicle.steps.data import export_dataset, split_dataset
from ossicle.steps.kept import ABOUT, KEPT, SOUNDS, TABLE, called, name_dataset
from ossicle.steps.opening import StageProgress
from ossicle.steps.sources import DataSet, dataset_digest
from ossicle.workflow.manifest import Digest, step

__all__ = ["convert_recordings", "deal_recordings", "export_recordings", "mix_recordings"]

LIBRARIES = ("numpy", "scipy", "soundfile", "soxr")

MIXED = "mixed"

DataSets = Annotated[Sequence[Path], Digest(dataset_digest)]
"""Several data sets; see `DataSet`."""


@step(
    name="split",
    libraries=("numpy", "scipy"),
    outputs={**KEPT, **{name: f"{name}.csv" for name in SPLITS}},
)
def deal_recordings(
    path: DataSet,
    *,
    out: Path,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    official: bool = True,
    seed: int = 0,
) -> dict[str, int]:
    """Deal clips to train, validation and test, no group in two of them, sounds copied.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder to fill.
    fractions : sequence of float
        Of train, validation and test, with sum 1.
    official : bool
        Keep the parts that the data set came with, if it did.
    seed : int
        Of the dealing.

    Returns
    -------
    dict of name to number of clips
    """
    return split_dataset(
        path, out=out, fractions=fractions, official=official, copy=True, seed=seed
    )


@step(name="export", libraries=LIBRARIES)
def export_recordings(
    path: DataSet,
    *,
    out: Path,
    to: Literal["audacity", "audiofolder", "dcase", "raven", "tensor"],
    layout: str | None = None,
    task: str | None = None,
    where: Mapping[str, str] | None = None,
    licences: Sequence[str] = (),
    window: Annotated[float | None, "s"] = None,
    window_hop: Annotated[float | None, "s"] = None,
) -> dict[str, Any]:
    """Write a data set with its sounds as other programs read it; a tensor as ``tensor.h5``.

    Parameters
    ----------
    path : Path
        Data set.
    out : Path
        Folder to fill.
    to : {"audacity", "audiofolder", "dcase", "raven", "tensor"}
        The layout.
    layout : str, optional
        How its files lie, as ``folders`` or ``csv``; found out by default.
    task : str, optional
        Column of a table that is the label, if not ``label``; ``bpm:regression`` for numbers.
    where : mapping of column to value, optional
        Take only the clips with these values.
    licences : sequence of str
        Take only the clips with one of these licences; all by default.
    window : float, optional
        Write windows of so many seconds, labelled by the events in them, instead of the clips.
    window_hop : float, optional
        Seconds from one window to the next; by default they do not overlap.

    Returns
    -------
    dict
        As of `export_dataset`.
    """
    return export_dataset(
        path,
        out=out / "tensor.h5" if to == "tensor" else out,
        to=to,
        layout=layout,
        task=task,
        where=where,
        licences=licences,
        window=window,
        window_hop=window_hop,
    )


@step(
    name="mix",
    libraries=LIBRARIES,
    outputs={
        "table": TABLE,
        "about": ABOUT,
        "sounds": f"{MIXED}/audio",
        "events": f"{MIXED}/events.csv",
        "recipe": f"{MIXED}/recipe.json",
        "mixes": f"{MIXED}/mixes.jsonl",
    },
    measured=("mixes",),  # says where the sources lie, which is no part of what was made
    cpu=64,
)
def mix_recordings(
    alarms: DataSets,
    background: DataSets,
    *,
    out: Path,
    significant: DataSets = (),
    rooms: DataSets = (),
    rt60: Annotated[Sequence[float], "s"] = (),
    snr: Annotated[Sequence[float], "dB"] = (-5.0, 20.0),
    events: Sequence[int] = (1, 2),
    overlap: bool = True,
    loudness: Loudness = "rms",
    level: Annotated[float | None, "dBFS"] = None,
    labels: Labels = "binary",
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
    n: int = 300,
    duration: Annotated[float, "s"] = 5.0,
    sample_rate: Annotated[int, "Hz"] = 16_000,
    seed: int = 0,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Mix alarms and other sounds into background recordings; see `ossicle.mix_dataset`.

    Parameters
    ----------
    alarms : sequence of Path
        Data sets of the sounds to find.
    background : sequence of Path
        Data sets of what they lie over.
    out : Path
        Folder to fill.
    significant : sequence of Path
        Data sets of sounds that are no alarm.
    rooms : sequence of Path
        Data sets of impulse responses of rooms, in which each mix is heard.
    rt60 : sequence of float
        Made-up rooms instead: least and most reverberation time.
    snr : sequence of float
        Range of the ratio of a sound to what it lies over; one, or three and more: exact ones.
    events : sequence of int
        Least and most events of a mix.
    overlap : bool
        Whether they may sound at once.
    loudness : {"rms", "A"}
        How levels are measured: plainly, or weighted as people hear.
    level : float, optional
        Of every background; as recorded by default.
    labels : {"binary", "source"}
        ``alarm`` and ``other``, or the alarms' own.
    fractions : sequence of float
        Of train, validation and test, with sum 1.
    n : int
        How many mixes.
    duration : float
        Of each mix.
    sample_rate : int
        Of each mix.
    seed : int
        Of everything random.
    n_jobs : int
        Processes.

    Returns
    -------
    dict
        ``n_clips``, ``n_groups`` and ``parts`` (clips of each).
    """
    made = mix_dataset(
        alarms=alarms,
        background=background,
        significant=significant or None,
        rooms=(rt60[0], rt60[1]) if len(rt60) == 2 else rooms or None,
        out=out / MIXED,
        snr=snr,
        events=(events[0], events[1]),
        overlap=overlap,
        loudness=loudness,
        level=level,
        labels=labels,
        fractions=fractions,
        n=n,
        duration=duration,
        sample_rate=sample_rate,
        seed=seed,
        n_jobs=n_jobs,
        progress=progress and partial(progress, "mixing"),
    )
    made.to_csv(out / TABLE)
    name_dataset(made, out, name=MIXED)
    return _told(made)


@step(
    name="convert",
    libraries=LIBRARIES,
    outputs=KEPT,
    resumable=True,
    cpu=64,
)
def convert_recordings(
    path: DataSet,
    *,
    out: Path,
    sample_rate: Annotated[int | None, "Hz"] = None,
    mono: bool = True,
    cut: Annotated[float | None, "s"] = None,
    shortest: Annotated[float, "s"] = 0.0,
    format: Literal["wav", "flac", "ogg"] = "wav",  # noqa: A002 - what users call it
    layout: str | None = None,
    n_jobs: int = 1,
    progress: StageProgress | None = None,
) -> dict[str, Any]:
    """Write the sounds of a data set anew: another rate or format, cut into clips.

    Parameters
    ----------
    path : Path
        A sound, a folder, or a data set of any layout.
    out : Path
        Folder to fill.
    sample_rate : int, optional
        As it is by default.
    mono : bool
        Average the channels, or keep them.
    cut : float, optional
        Length of a clip; the whole sound by default.
    shortest : float
        A shorter rest, or sound, is left out.
    format : {"wav", "flac", "ogg"}
        What the sounds are written as.
    layout : str, optional
        Of the data set; detected by default.
    n_jobs : int
        Processes.

    Returns
    -------
    dict
        ``n_clips, n_groups, parts`` and ``failed`` (sounds that could not be converted, and why).
    """
    made = convert_dataset(
        path,
        out=out / SOUNDS,
        conversion=Conversion(sample_rate=sample_rate, mono=mono, cut=cut, shortest=shortest),
        format=format,
        layout=layout,
        n_jobs=n_jobs,
        progress=progress and partial(progress, "converting"),
    )
    shutil.rmtree(out / SOUNDS / RECORDS)
    (out / SOUNDS / TABLE).unlink(missing_ok=True)
    made.dataset.to_csv(out / TABLE)
    name_dataset(made.dataset, out, name=called(path))
    return {**_told(made.dataset), "failed": [[Path(p).name, why] for p, why in made.failed]}


def _told(dataset: Dataset) -> dict[str, Any]:
    splits = [clip.split for clip in dataset]
    return {
        "n_clips": len(dataset),
        "n_groups": len(set(dataset.groups.tolist())),
        "parts": {name: splits.count(name) for name in dict.fromkeys(splits) if name},
    }
