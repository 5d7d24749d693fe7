"""Data sets with licences and times, made on the fly."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ossicle.audio import write_audio
from ossicle.datasets import Dataset, make_task, read_dataset
from ossicle.types import Clip, Recording

RATE = 8_000


def noise(path: Path, seconds: float = 2.0, *, seed: int = 0, rate: int = RATE) -> Path:
    write_audio(path, np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)), rate)
    return path


def garden_in(root: Path) -> Dataset:
    """Three recordings, two of them with events, one looked at in vain."""
    about = {
        "a.wav": Recording(root / "a.wav", "CC BY 4.0", "Ann", "https://example.org/1", "m", "oak"),
        "b/c.flac": Recording(root / "b/c.flac", "CC0", "Bob; Ben", "", "", ""),
        "b/d.wav": Recording(root / "b/d.wav", "CC BY-NC 3.0", "=1+1", "", "", ""),
    }
    for seed, recording in enumerate(about.values()):
        noise(recording.path, seed=seed)
    rows = [("a.wav", 0.1, 0.3, "trill"), ("a.wav", 1 / 3, 2 / 3, "größer, lauter")]
    rows += [("b/c.flac", 0.5, 1.25, '=HYPERLINK("x")')]
    parts = {"a.wav": ("east", 1, "train"), "b/c.flac": ("", 2, "test"), "b/d.wav": ("", 2, "test")}
    clips = [
        Clip(about[name], start, end, {"label": label}) for name, start, end, label in rows
    ] + [Clip(about["b/d.wav"])]
    dealt = [
        replace(clip, group=group, fold=fold, split=split)
        for clip in clips
        for group, fold, split in [parts[clip.path.relative_to(root).as_posix()]]
    ]
    labels = {label for *_, label in rows}
    return Dataset(tuple(dealt), (make_task("label", labels),), name="garden")


def table_in(root: Path) -> Dataset:
    """Whole clips with a table."""
    rows = ["path,label,split,group,licence,author,source,mood"]
    for number, split in enumerate(("train", "train", "validation", "test")):
        noise(root / f"{number}.wav", 0.5, seed=number)
        rows.append(
            f"{number}.wav,{'ab'[number % 2]},{split},g{number},CC-BY-3.0,Ann,site,=1+{number}"
        )
    (root / "clips.csv").write_text("\n".join(rows))
    return read_dataset(root)
