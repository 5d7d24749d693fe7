"""Trainings that take a moment: tones of two data sets, a network of a few weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sounds import folders_of_tones

from ossicle.datasets import Dataset, read_dataset
from ossicle.features import LogMel
from ossicle.training.run import Run
from ossicle.training.training import train

FRONT_END = LogMel(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=20)

SETTINGS: dict[str, Any] = {
    "model": {"name": "dnn", "width": 16, "dropout": 0.1},
    "front_end": FRONT_END,
    "epochs": 4,
    "batch_size": 8,
    "learning_rate": 0.01,
    "n_workers": 0,
}


def tones(root: Path, *, n_clips: int = 10) -> Dataset:
    """High and low tones."""
    return read_dataset(folders_of_tones(root, n_clips=n_clips))


def two_data_sets(root: Path) -> list[Dataset]:
    """Tones that answer two questions: high or low; and, of other clips, high, low or middle."""
    pitches = folders_of_tones(root / "three", n_clips=8, labels=("low", "middle", "high"))
    three = read_dataset(pitches).rename_task("label", "pitch")
    return [tones(root / "two"), replace(three, name="three")]


def trained(datasets: Any, out: Path | None = None, **settings: Any) -> Run:
    """A run with small settings."""
    return train(datasets, out=out, **{**SETTINGS, **settings})


def bytes_of(run: Run) -> dict[str, bytes]:
    """Everything in the folder of a run that is to be the same twice, by name."""
    wanted = [run.path / "run.json", run.path / "found.json", run.path / "history.jsonl"]
    wanted += [*(run.path / "checkpoints").iterdir(), *(run.path / "reports").glob("*.json")]
    wanted += [run.path / "best.ossicle"] if run.is_finished else []
    return {str(path.relative_to(run.path)): path.read_bytes() for path in wanted}
