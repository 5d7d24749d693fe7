"""A classifier and a data set that need no sound: scores stand in the names of the files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ossicle.errors import AudioError
from ossicle.types import QUIET, UNKNOWN, Clip, Prediction, Recording, Task, Window

ALARM = Task("label", "binary", ("other", "alarm"), background=("other",), positive="alarm")
PETS = Task("label", "multiclass", ("dog", "cat", "hen"))


@dataclass
class FakeDataset:
    clips: Sequence[Clip]
    skipped: tuple[tuple[str, str], ...] = ()
    name: str = "kitchen"
    tasks: tuple[Task, ...] = ()

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        return self.clips[index]

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    @property
    def groups(self) -> np.ndarray:
        names = [clip.group or f"own {i}" for i, clip in enumerate(self.clips)]
        return np.unique(names, return_inverse=True)[1]

    def fingerprint(self) -> str:
        return "f00d"


class FakeClassifier:
    """Answers with the scores written in a file's name, and "unknown" below a half."""

    def __init__(self, task: Task) -> None:
        self.provenance = {"version": "0.1.0", "search": {"seed": 0, "n_configurations": 12}}
        self.tasks = (task,)

    def __call__(self, sound: Path) -> Prediction:
        if "corrupt" in sound.name:
            raise AudioError(f"{sound}: not a sound file")
        task = self.tasks[0]
        scores = np.array([float(x) for x in sound.stem.split("_")[1:]], dtype=np.float32)
        best = int(scores.argmax())
        said = task.labels[best] if scores[best] >= 0.5 else UNKNOWN
        return Prediction(
            recording=sound.name,
            sample_rate=16_000,
            tasks=self.tasks,
            windows=(Window(0.0, 1.0),),
            scores={task.name: scores[None]},
            quiet=np.array([not scores.any()]),
            pooled={task.name: scores},
            labels={task.name: said if scores.any() else QUIET},
            events=(),
        )


def clip(label: str, *scores: float, name: str = "a", group: str = "", licence: str = "") -> Clip:
    path = Path(label) / ("_".join([name, *map(str, scores)]) + ".wav")
    return Clip(Recording(path, licence=licence), labels={"label": label}, group=group)


def alarms(n: int = 6) -> FakeDataset:
    """``n`` alarms and as many others in groups of two; one of each kind is mistaken."""
    found = [clip("alarm", 0.1, 0.9, group=f"a{i // 2}") for i in range(n - 1)]
    found += [clip("other", 0.8, 0.2, group=f"o{i // 2}") for i in range(n - 1)]
    return FakeDataset([*found, clip("alarm", 0.6, 0.4), clip("other", 0.3, 0.7)])
