"""What a search found: the table, the front, and the classifier chosen from it."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossicle.classifier import Classifier
from ossicle.datasets import Dataset, recording_marks
from ossicle.errors import SearchError, nearest
from ossicle.selection.described import described
from ossicle.selection.front import pareto_front
from ossicle.selection.grid import Configuration
from ossicle.selection.job import Fold
from ossicle.selection.material import Material, name_of
from ossicle.selection.refit import refit
from ossicle.selection.table import Row, told_apart, without_shared
from ossicle.workflow.files import replacing

__all__ = ["SearchResult"]

MERITS = ("tpr", "accuracy", "r2")
"""Columns of which more is better."""

TIMES = ("latency_ms", "train_ms")
"""Columns that are measured anew each time; all others are the same for the same recordings."""


@dataclass(frozen=True, eq=False, repr=False)
class SearchResult:
    """A judged grid.

    Parameters
    ----------
    rows : list of dict
        One a configuration: ``id, front_end, integration, model``; figures of all left-out rows
        with ``_std`` over the folds, ``fpr, tpr, accuracy`` of labels, ``rmse, mae, r2`` of a
        regression; ``bytes`` of the bundle (without the list of what it learnt from);
        ``multiply_adds`` and ``latency_ms`` of one window, features and network; ``train_ms``.
    skipped : tuple of (str, str)
        Path of a clip, with its limits where it is an excerpt, and the reason.
    configurations : tuple of Configuration
        In the order of the rows.
    material : Material
    folds : tuple of (train, test)
        Positions of the clips.
    seed : int
    dropped : tuple of dict
        What successive halving left behind: figures on the ``share`` of the groups of its round.
    """

    rows: list[Row]
    skipped: tuple[tuple[str, str], ...]
    configurations: tuple[Configuration, ...]
    material: Material
    folds: tuple[Fold, ...]
    seed: int
    dropped: tuple[Row, ...] = ()

    def __repr__(self) -> str:
        n_clips, n_folds = len(self.material.dataset), len(self.folds)
        return f"<SearchResult: {len(self.rows)} configurations, {n_clips} clips, {n_folds} folds>"

    @property
    def table(self) -> list[Row]:
        """The rows."""
        return self.rows

    def front(
        self, *, minimise: Sequence[str] | None = None, maximise: Sequence[str] | None = None
    ) -> list[Row]:
        """The rows no other row beats in all objectives, ties kept; see `pareto_front`.

        Parameters
        ----------
        minimise, maximise : sequence of str, optional
            Any columns of the table, as ``("fpr", "bytes", "latency_ms")``; by default ``fpr``
            against ``tpr`` for labels, ``rmse`` against ``bytes`` for a regression, as far as any
            row has them.
        """
        question = self.material.question
        minimise = _measured(self.rows, question.minimise) if minimise is None else minimise
        maximise = _measured(self.rows, question.maximise) if maximise is None else maximise
        kept = pareto_front(self.rows, minimise=minimise, maximise=maximise)
        return [self.rows[place] for place in kept]

    def choose(self, where: Mapping[str, str] | None = None, /, **limits: float) -> Row:
        """The row with the highest ``tpr - fpr`` (of a regression the lowest error) within limits.

        Ties go to the higher accuracy, then to the smaller bundle, then to the order of the grid.

        Parameters
        ----------
        where : mapping, optional
            What columns hold, or begin with: ``{"model": "svm"}`` takes every svm, whatever its
            parameters.
        **limits : float
            ``max_`` or ``min_`` and a column: ``max_fpr=0.02, max_bytes=100_000``.

        Raises
        ------
        SearchError
            If no row is such or keeps within the limits, with the nearest value there is.

        Source: Youden (1950), index for rating diagnostic tests.
        """
        allowed = list(range(len(self.rows)))
        for column, wanted in (where or {}).items():
            allowed = self._holding(allowed, column, wanted)
        for name, limit in limits.items():
            allowed = self._within(allowed, name, limit)
        best = min(allowed, key=self._preference)
        return self.rows[best]

    def best(self, where: Mapping[str, str] | None = None, /, **limits: float) -> Classifier:
        """Train the chosen row's configuration on all clips; as for `choose`."""
        return self.classifier(self.choose(where, **limits)["id"])

    def configuration(self, id: str) -> Configuration:  # noqa: A002 - the column's name
        """Front end, integration, scaling and model of a row, as objects.

        Raises
        ------
        SearchError
            If no row has this id.
        """
        return self.configurations[self._place(id)]

    def classifier(self, id: str) -> Classifier:  # noqa: A002 - the column's name
        """Train the configuration of a row on all clips of the search."""
        row = self.rows[self._place(id)]
        measured = {
            key: value
            for key, value in row.items()
            if isinstance(value, float | int) and not math.isnan(value)
        }
        for time in TIMES:  # they would change the bundle's bytes
            measured.pop(time, None)
        return refit(
            self.configuration(id),
            self.material,
            self.folds,
            metrics={"validation": {**measured, "n_folds": len(self.folds)}},
            provenance=self._provenance(),
        )

    def evaluate(
        self,
        test: Dataset,
        *,
        paper_protocol: bool = False,
        features: Path | None = None,
        **limits: Any,
    ) -> dict[str, Any]:
        """Judge the chosen configuration once on recordings the search has not seen.

        Parameters
        ----------
        test : Dataset
        paper_protocol : bool
            Judge the whole front on ``test`` and select again there, as the original paper does;
            such figures are optimistic, since the test recordings took part in choosing.
        features : Path, optional
            Feature store with what the test recordings sound like; they are heard without.
        **limits : float
            As for `choose`.

        Returns
        -------
        dict of configuration id to Report (or RegressionReport)
            One entry, or with ``paper_protocol`` those on the front of the test figures.
        """
        if not paper_protocol:
            chosen = self.choose(**limits)["id"]
            return {chosen: self._judged(chosen, test, features)}
        question, ids = self.material.question, [row["id"] for row in self.front()]
        reports = {one: self._judged(one, test, features) for one in ids}
        rates = ("fpr", "tpr") if question.maximise else question.minimise[:1]
        figures = [{rate: getattr(report, rate) for rate in rates} for report in reports.values()]
        merits, costs = _sides(_measured(figures, rates))
        kept = pareto_front(figures, minimise=costs, maximise=merits)
        return {ids[place]: reports[ids[place]] for place in kept}

    @property
    def axes(self) -> tuple[str, str]:
        """Columns of the picture; another figure in place of one that no row has."""
        question = self.material.question
        x, y, *_ = _measured(self.rows, (*question.axes, *question.qualities, "bytes"))
        return x, y

    def plot(
        self,
        path: str | Path | None = None,
        *,
        x: str | None = None,
        y: str | None = None,
        z: str | None = None,
        chosen: str | None = None,
    ) -> Any:
        """Draw the table with its front and a chosen row; save it if a path is given.

        Parameters
        ----------
        path : path, optional
        x, y, z : str, optional
            Objectives: those of `axes` by default; a third in a second picture,
            as ``x="bytes", y="tpr", z="latency_ms"``. Figures of merit are maximised, the others
            minimised.
        chosen : str, optional
            Id of the row; that of `choose` by default.
        """
        from ossicle.evaluation.plots import plot_front, save_png

        axes = [axis for axis in (x or self.axes[0], y or self.axes[1], z) if axis]
        merits, costs = _sides(axes)
        told = told_apart(self.rows, self.configurations)
        short, _ = without_shared(told, "front_end")
        figure = plot_front(
            short,
            x=axes[0],
            y=axes[1],
            z=z,
            front=pareto_front(self.rows, minimise=costs, maximise=merits),
            chosen=self.choose()["id"] if chosen is None else chosen,
            name=("model", "integration", "front_end"),
        )
        if path is not None:
            save_png(figure, path)
        return figure

    def to_csv(self, path: str | Path) -> None:
        """Write the table."""
        _write_rows(path, self.rows)

    def write_front(self, path: str | Path) -> None:
        """Write the rows of `front` without measured times: the same search, the same bytes."""
        front = self.front()
        _write_rows(path, [{k: v for k, v in row.items() if k not in TIMES} for row in front])

    def _judged(self, id: str, test: Dataset, features: Path | None) -> Any:  # noqa: A002
        classifier = described(self.classifier(id), test, features)
        return self.material.question.evaluate(classifier, test)

    def _preference(self, place: int) -> tuple[float, ...]:
        row = self.rows[place]
        return (*self.material.question.preference(row), row["bytes"], place)

    def _place(self, id: str) -> int:  # noqa: A002 - the column's name
        ids = [row["id"] for row in self.rows]
        if id in ids:
            return ids.index(id)
        if id in (row["id"] for row in self.dropped):
            raise SearchError(
                f"configuration {id!r} was dropped on the way; search without halving"
            )
        raise SearchError(f"no configuration {id!r}; the table's column id names them")

    def _holding(self, places: list[int], column: str, wanted: str) -> list[int]:
        columns = [key for key, value in self.rows[0].items() if isinstance(value, str)]
        if column not in columns:
            raise SearchError(f"where names the column {column!r}; {nearest(column, columns)}")
        kept = [p for p in places if f"{self.rows[p][column]} ".startswith(f"{wanted} ")]
        if not kept:
            held = ", ".join(dict.fromkeys(self.rows[p][column] for p in places))
            raise SearchError(f"no configuration has {column} {wanted!r}; there are {held:.300}")
        return kept

    def _within(self, places: list[int], name: str, limit: float) -> list[int]:
        side, _, column = name.partition("_")
        columns = [key for key, value in self.rows[0].items() if isinstance(value, float | int)]
        if side not in ("max", "min") or column not in columns:
            allowed = ", ".join(columns)
            raise SearchError(f"limit {name!r} is not max_ or min_ with one of: {allowed}")
        sign = 1.0 if side == "max" else -1.0
        kept = [p for p in places if sign * self.rows[p][column] <= sign * limit]
        if not kept:
            closest = min(
                (self.rows[p][column] for p in places),
                key=lambda value: math.inf if math.isnan(value) else sign * value,
            )
            raise SearchError(
                f"no configuration has {name}={limit:g}; the nearest has {column} {closest:.4g}. "
                "Widen the limit or the grid"
            )
        return kept

    def _marks(self) -> list[str]:
        """Short names of the recordings trained on, so that a test on them can be told."""
        skipped = {name for name, _ in self.skipped}
        paths = [clip.path for clip in self.material.dataset if name_of(clip) not in skipped]
        return sorted(set(recording_marks(paths).values()))

    def _provenance(self) -> dict[str, Any]:
        dataset = self.material.dataset
        return {
            "made_by": "search",
            "dataset": dataset.name,
            "dataset_fingerprint": self.material.fingerprint,
            "n_clips": len(dataset),
            "n_skipped": len(self.skipped),
            "recordings": " ".join(self._marks()),
            "n_configurations": len(self.rows) + len(self.dropped),
            "seed": self.seed,
        }


def _write_rows(path: str | Path, rows: Sequence[Row]) -> None:
    with replacing(Path(path)) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _measured(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """Those of the columns in which any row has a number, each once."""
    known = dict.fromkeys(columns)
    return [name for name in known if not all(math.isnan(row[name]) for row in rows)]


def _sides(columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Columns of which more is better, and those of which less is."""
    merits = [name for name in columns if name in MERITS]
    return merits, [name for name in columns if name not in MERITS]
