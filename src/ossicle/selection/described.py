"""A classifier that answers from features that are stored, and so need not be computed again."""

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier import Classifier
from ossicle.classifier.stream import answers
from ossicle.datasets import Dataset
from ossicle.features import FeatureStore, FeatureTable, integrate
from ossicle.types import Floats, Prediction, Window

__all__ = ["described"]


def described(classifier: Classifier, dataset: Dataset, features: Path | None) -> Classifier:
    """A classifier that knows what the clips of a data set sound like.

    It answers whole recordings of the data set from the store, as it would answer on hearing them;
    what is not in the store is described now, and excerpts are heard.

    Parameters
    ----------
    classifier : Classifier
    dataset : Dataset
    features : Path, optional
        Feature store; without one, the classifier is given back as it is.
    """
    if features is None:
        return classifier
    table = FeatureStore(features).extract(
        dataset.clips,
        classifier.front_end,
        window=classifier.window,
        window_hop=classifier.window_hop,
    )
    settings = {each.name: getattr(classifier, each.name) for each in fields(classifier)}
    return _Described(**settings, table=table)


@dataclass(frozen=True, eq=False, repr=False)
class _Described(Classifier):
    table: FeatureTable | None = None

    def __call__(self, sound: str | Path | Floats, sample_rate: int | None = None) -> Prediction:
        """The answer to a recording of the table; no events are looked for in it."""
        rows = self._rows_of.get(sound, ()) if isinstance(sound, Path) else ()
        if not len(rows):
            return super().__call__(sound, sample_rate)
        assert self.table is not None
        quiet = self.table.levels[rows] < self.decision.quiet
        scores = self._scores(rows, quiet)
        pooled, labels = answers(self, scores, quiet)
        return Prediction(
            recording=Path(str(sound)).name,
            sample_rate=self.front_end.sample_rate,
            tasks=self.tasks,
            windows=tuple(map(self._window, rows)),
            scores={q.task.name: q.calibrated(scores[q.task.name]) for q in self.questions},
            quiet=quiet,
            pooled=pooled,
            labels=labels,
            events=(),
        )

    @cached_property
    def _rows_of(self) -> dict[Path, NDArray[np.int64]]:
        """Rows of the table that are windows of a whole recording."""
        assert self.table is not None
        of_clip = self.table.clip_index
        return {
            clip.path: np.flatnonzero(of_clip == place)
            for place, clip in enumerate(self.table.clips)
            if clip.start == 0.0 and clip.end is None
        }

    def _scores(self, rows: Any, quiet: NDArray[np.bool_]) -> dict[str, NDArray[np.float32]]:
        """Scores of each task before calibration, zeros where a window is quiet."""
        found = {
            task.name: np.zeros((len(rows), len(task.labels)), np.float32) for task in self.tasks
        }
        for place in np.flatnonzero(~quiet).tolist():
            for name, values in self.scores(self._vector(rows[place])).items():
                found[name][place] = values
        return found

    def _vector(self, row: int) -> NDArray[np.float32]:
        """What the network sees of a window."""
        assert self.table is not None
        matrix = self.table.row(row)
        vector = matrix if self.integration is None else integrate(matrix, how=self.integration)
        return vector if self.scaler is None else self.scaler(vector)

    def _window(self, row: int) -> Window:
        assert self.table is not None
        start = float(self.table.starts[row])
        n_samples = self.front_end.n_samples(len(self.table.row(row)))
        return Window(start, start + (self.window or n_samples / self.front_end.sample_rate))
