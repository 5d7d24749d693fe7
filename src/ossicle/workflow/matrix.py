"""The matrix of a step with ``for_each``: its combinations, and what each is called."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ossicle.errors import WorkflowError
from ossicle.workflow.arguments import Output
from ossicle.workflow.expressions import EACH, Given, Scope, brief, references
from ossicle.workflow.files import canonical_json, digest
from ossicle.workflow.flow_keys import at

__all__ = ["check_used", "instances"]

MOST_INSTANCES = 10_000
"""Of one step; more is a slip."""

LONGEST = 60
"""Letters of a value in the name of an instance."""

_KEY = re.compile(r"(?:^|,)([\w-]+)=")


def check_used(name: str, table: Mapping[str, Any]) -> None:
    """Refuse a key of a matrix that makes no difference.

    Raises
    ------
    WorkflowError
        Naming it.
    """
    rest = {key: value for key, value in table.items() if key != "for_each"}
    used = {each.name.partition(".")[0] for each in references(rest) if each.source == EACH}
    for key in table["for_each"]:
        if key not in used:
            raise WorkflowError(
                f"steps.{name}.for_each.{key}: no argument uses ${{each.{key}}}, so all instances "
                "would be the same; use it, or leave it out"
            )


def instances(place: str, matrix: Mapping[str, Any], scope: Scope) -> Iterator[tuple[str, Scope]]:
    """Every combination of a matrix: what it is called, and what ``${each.key}`` means in it."""
    columns = []
    for key, said in matrix.items():
        with at(f"{place}.{key}"):
            columns.append(_column(said, scope))
    if (n_instances := math.prod(map(len, columns))) > MOST_INSTANCES:
        raise WorkflowError(f"{place}: {n_instances} instances; at most {MOST_INSTANCES} allowed")
    rows = [dict(zip(matrix, row, strict=True)) for row in itertools.product(*columns)]
    labels = [",".join(f"{key}={_label(each.value)}" for key, each in row.items()) for row in rows]
    for label, n in Counter(labels).items():
        if n > 1:
            raise WorkflowError(f"{place}: {label} is there twice; leave one")
    for label, row in zip(_shorter(rows) or labels, rows, strict=True):
        yield label, replace(scope, each=row)


def _shorter(rows: Sequence[Mapping[str, Given]]) -> list[str] | None:
    """Names of instances over instances, by what those stand for; None if that tells too little."""
    labels = [",".join(_inner(key, each.value) for key, each in row.items()) for row in rows]
    keys = [_KEY.findall(label) for label in labels]
    is_clear = len(set(labels)) == len(labels) and all(len(set(k)) == len(k) for k in keys)
    return labels if is_clear and all(len(label) <= LONGEST for label in labels) else None


def _inner(key: str, value: Any) -> str:
    """One part of such a name: of an instance, what stands in its brackets."""
    is_instance_ = isinstance(value, Output) and value.node.endswith("]")
    return value.node.partition("[")[2][:-1] if is_instance_ else f"{key}={_label(value)}"


def _column(said: Any, scope: Scope) -> list[Given]:
    """The values of one key of a matrix."""
    given = scope.given(said)
    if not isinstance(given.value, list) or not given.value:
        raise WorkflowError(f"{brief(given.value)} is not allowed; a list of one value or more is")
    if isinstance(said, list):
        return [scope.given(item) for item in said]
    return [Given(item, given.folder) for item in given.value]


def _label(value: Any) -> str:
    """A value as part of a name; a long one by its beginning and a digest."""
    text = value.node if isinstance(value, Output) else value
    text = text if isinstance(text, str) and "\n" not in text else canonical_json(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 9]}…{digest(text)[:8]}"
