"""Honest figures of the whole procedure: each fold in turn is test, all choices made without it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossicle.datasets import Dataset
from ossicle.selection.searching import search
from ossicle.selection.table import Row

__all__ = ["NestedFold", "nested_search"]


@dataclass(frozen=True, eq=False)
class NestedFold:
    """One outer fold: what was chosen on the other folds and how it did on this one."""

    name: str
    chosen: Row
    report: Any
    """A `Report`, or a `RegressionReport`."""


def nested_search(
    outer: Mapping[str, tuple[Dataset, Dataset]],
    *,
    out: Path,
    limits: Mapping[str, Any] | None = None,
    **options: Any,
) -> Iterator[NestedFold]:
    """Search on each outer training part, choose there, and judge once on its test part.

    Parameters
    ----------
    outer : mapping of name to (train, test)
    out : Path
        Folder of the searches, one a fold; the feature store is shared.
    limits : mapping, optional
        Of the choice, as ``max_fpr``.
    **options
        Of `search`.

    Yields
    ------
    NestedFold
    """
    features = out / "features"
    for name, (train, test) in outer.items():
        result = search(train, out=out / f"without-{name}", features=features, **options)
        chosen = result.choose(**(limits or {}))
        report = result.material.question.evaluate(result.classifier(chosen["id"]), test)
        yield NestedFold(name, chosen, report)
