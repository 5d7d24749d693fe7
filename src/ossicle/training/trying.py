"""Several ways to learn, tried one after the other on the same clips; the best by validation.

Those tried are the networks here on the front end that was asked for, and a linear head on each
pretrained embedding whose network is on this machine. Nothing but the validation part decides.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ossicle.errors import FeatureError, ModelError, TrainingError
from ossicle.features import PRETRAINED, FrontEnd, front_end
from ossicle.inference import n_parameters
from ossicle.training.run import Run
from ossicle.workflow.files import write_json

__all__ = ["AUTO", "Candidate", "candidates", "try_all"]

AUTO = "auto"
"""The name of a model that stands for all that are tried."""

TRIED, NETWORKS = "tried.json", ("tc_net", "ds_cnn", "resnet")
LINEAR: Mapping[str, Any] = {"name": "dnn", "n_hidden": 0}


@dataclass(frozen=True)
class Candidate:
    """One way to learn."""

    name: str
    front_end: FrontEnd
    model: str | Mapping[str, Any]


def candidates(asked: FrontEnd) -> Iterator[Candidate]:
    """What is tried.

    Parameters
    ----------
    asked : FrontEnd
        Of the networks that learn from nothing.

    >>> from ossicle.features import LogMel
    >>> [each.name for each in candidates(LogMel())][:3]
    ['tc_net', 'ds_cnn', 'resnet']
    """
    for name in NETWORKS:
        yield Candidate(name, asked, name)
    for name in PRETRAINED:
        try:
            yield Candidate(f"{name}-linear", front_end(name), LINEAR)
        except FeatureError:
            continue  # its network is not on this machine


def try_all(
    asked: FrontEnd, root: Path, learnt: Callable[[FrontEnd, str | Mapping[str, Any], Path], Run]
) -> Run:
    """Train every candidate and give back the best run, which knows how the others did.

    One that needs longer windows than there are is told of last, with what it said.

    Parameters
    ----------
    asked : FrontEnd
    root : Path
        Each candidate's run lies in a folder of its name.
    learnt : callable
        Trains with a front end and a model in a folder.

    Raises
    ------
    TrainingError
        If none can be trained.
    """
    runs: dict[str, Run] = {}
    refused: list[dict[str, Any]] = []
    for each in candidates(asked):
        try:
            runs[each.name] = learnt(each.front_end, each.model, root / each.name)
        except (FeatureError, ModelError) as error:
            refused.append({"name": each.name, "error": str(error)})
    if not runs:
        raise TrainingError(f"no model can be trained; {refused[0]['name']}: {refused[0]['error']}")
    best_first = sorted(runs, key=lambda name: runs[name].merits, reverse=True)
    tried = [*(_row(name, runs[name]) for name in best_first), *refused]
    write_json(root / TRIED, tried)
    return replace(runs[best_first[0]], tried=tuple(tried))


def _row(name: str, run: Run) -> dict[str, Any]:
    """What is told of a candidate."""
    best = next(line for line in run.history if line["epoch"] == run.best_epoch)
    classifier = run.classifier
    return {
        "name": name,
        "front_end": classifier.front_end.name,
        "n_parameters": n_parameters(classifier.network),
        "epoch": best["epoch"],
        **best["validation"],
        "path": str(run.path),
    }
