"""Small data sets without sounds, and what their parts hold."""

from pathlib import Path

from ossicle.datasets import Dataset, make_task
from ossicle.types import Clip, Recording


def clip(path: str, group: str = "", *, fold=None, split="", **labels: str) -> Clip:
    return Clip(Recording(Path(path)), labels=labels, group=group, fold=fold, split=split)


def dataset(name: str, *clips: Clip, kinds=None) -> Dataset:
    """A data set whose tasks are those that its clips have labels for."""
    heard = dict.fromkeys(task for each in clips for task in each.labels)
    tasks = [
        make_task(
            task, {c.labels[task] for c in clips if task in c.labels}, (kinds or {}).get(task)
        )
        for task in heard
    ]
    return Dataset(clips, tuple(tasks), name=name)


def sources(name: str, n: int, labels: str = "ab", *, of_each: int = 1, **fields) -> Dataset:
    """``n`` groups with clips of labels in turn."""
    rows = [(i, j) for i in range(n) for j in range(of_each)]
    clips = [clip(f"{name}/{i}-{j}", f"{i}", label=labels[(i + j) % len(labels)]) for i, j in rows]
    return dataset(name, *clips)


def officially(data: Dataset, column: str, values) -> Dataset:
    clips = []
    for index, each in enumerate(data.clips):
        part = {column: values[index % len(values)]}
        clips.append(clip(str(each.path), each.group, **part, **each.labels))
    return Dataset(tuple(clips), data.tasks, name=data.name)


farm = sources("farm", 12, "abc")
town = sources("town", 9, "xy")


def paths(part) -> set[Path]:
    return {each.path for each in part}


def ids(part) -> list[Path]:
    return [each.path for each in part]
