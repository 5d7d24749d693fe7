"""Part 1: the paper's search on mixes in all places, its choice judged once on new sounds."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle import Dataset, evaluate, search
from ossicle.selection import Configuration, SearchResult
from studies.alarm.keeping import Workplace
from studies.alarm.learning import describe, margins
from studies.alarm.mixes import DURATION

__all__ = ["PAPERS_FRONT_END", "PAPERS_INTEGRATIONS", "measure_detection"]

PAPERS_FRONT_END = "short_term"
PAPERS_INTEGRATIONS = ("mean", "meanvar", "stack")


def measure_detection(place: Workplace) -> dict[str, Any]:
    """The table, the front, and what chosen and rival configurations answer to every test mix."""
    train, test = place.mixes
    result = search(
        train,
        grid=place.settings.grid,
        leave_out=place.settings.leave_out,
        window=DURATION,
        n_jobs=place.n_jobs,
        seed=place.settings.seed,
        out=place.work / "search",
        features=place.features,
    )
    chosen = result.choose()["id"]
    papers, features = _best(result, PAPERS_INTEGRATIONS), _best(result)
    front = [row["id"] for row in result.front()]
    asked = dict.fromkeys([*front, chosen, papers, features])
    return {
        "rows": [dict(row) for row in result.rows],
        "front": front,
        "chosen": chosen,
        "papers": papers,
        "features": features,
        "configuration": _configuration(result, chosen).describe(),
        "n_folds": len(result.folds),
        "skipped": list(result.skipped),
        "train": {"n": len(train), "n_groups": len(np.unique(train.groups))},
        "test": _told(test),
        "judged": _judged(result, chosen, test, place),
        "answers": {one: _answers(result, one, train, test, place) for one in asked},
    }


def _best(result: SearchResult, integrations: Collection[str] | None = None) -> str:
    """The best row of the paper's features, with some integrations or all, chosen as ever."""
    rows = [
        row
        for row, configuration in zip(result.rows, result.configurations, strict=True)
        if configuration.front_end.name == PAPERS_FRONT_END
        and (integrations is None or configuration.integration in integrations)
    ]
    best = min(rows, key=lambda row: (row["fpr"] - row["tpr"], -row["accuracy"], row["bytes"]))
    return str(best["id"])


def _configuration(result: SearchResult, one: str) -> Configuration:
    return next(each for each in result.configurations if each.id == one)


def _answers(
    result: SearchResult, one: str, train: Dataset, test: Dataset, place: Workplace
) -> list[float]:
    """Margins of the test mixes, from the estimator trained on all training mixes."""
    configuration = _configuration(result, one)
    sides = (
        describe(side, configuration, place.features, n_jobs=place.n_jobs) for side in (train, test)
    )
    found: NDArray[np.float64] = margins(configuration, *sides)
    return [float(value) for value in found]


def _judged(result: SearchResult, chosen: str, test: Dataset, place: Workplace) -> dict[str, Any]:
    """The chosen classifier as it ships, saved, and heard on the sound files of the test mixes."""
    classifier = result.classifier(chosen)
    classifier.save(place.work / "alarm.ossicle")
    report = evaluate(classifier, test)
    assert report.answers is not None
    task = report.answers.task
    said = report.answers.answers == task.index(task.positive or "")
    return {
        "said": [bool(each) for each in said],
        "n": report.n_clips,
        "bytes": (place.work / "alarm.ossicle").stat().st_size,
    }


def _told(test: Dataset) -> dict[str, Any]:
    """What the table of the test mixes says of each."""
    return {
        "positives": [clip.labels["label"] == "alarm" for clip in test],
        "groups": [int(group) for group in test.groups],
        **{
            name: [clip.metadata.get(name, "") for clip in test]
            for name in ("alarm", "significant", "background", "snr")
        },
    }
