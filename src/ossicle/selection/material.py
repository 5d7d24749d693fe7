"""What a search learns from: every front end's features of a data set, described once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.classifier import Decision
from ossicle.datasets import Dataset
from ossicle.errors import SearchError
from ossicle.features import FeatureStore, FeatureTable, FrontEnd
from ossicle.features.store import LIBRARIES
from ossicle.models.model import Matrix
from ossicle.selection.grid import FRAMES
from ossicle.selection.question import Question, Truth
from ossicle.types import Clip, Task
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import read_json, write_json
from ossicle.workflow.store import Artifact, Store

__all__ = ["Material", "Rows", "StageProgress"]

StageProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""


DESCRIBED = ("audio", "features", "inference", "selection.material")
"""The code that decides the rows."""

QUIET_LEVEL = Decision().quiet
"""dBFS below which a classifier does not listen to a window, so that none is trained on either."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Integrated features of every window of a data set that is not quiet.

    Parameters
    ----------
    key : str
        Digest of everything they were made from.
    path : Path
        The matrix as ``.npy``, so that workers map it instead of being sent it.
    clip_index : int array, shape (n_rows,)
        Clip of each row.
    skipped : tuple of (str, str)
        Clips that could not be described, and why.
    mean_frames : float
        Frames a window, on average.
    """

    key: str
    path: Path
    clip_index: NDArray[np.int64]
    skipped: tuple[tuple[str, str], ...]
    mean_frames: float

    @property
    def matrix(self) -> Matrix:
        """Vectors or frames, see `ossicle.models.model.Matrix`, mapped from the file."""
        rows: Matrix = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return rows

    def of_clips(self, clips: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of the rows that belong to the given clips."""
        return np.flatnonzero(np.isin(self.clip_index, clips))


@dataclass(frozen=True)
class Material:
    """A data set, how it is cut into windows, and where its features are kept.

    Parameters
    ----------
    dataset : Dataset
    question : Question
    window, window_hop : float or None
        Seconds; None: each clip is one window.
    fingerprint : str
        Of the data set.
    root : Path
        Folder of the artifacts.
    features : Path
        Folder of the feature store; may be shared by many searches.
    n_jobs : int
        Processes that describe.
    """

    dataset: Dataset
    question: Question[Any]
    window: float | None
    window_hop: float | None
    fingerprint: str
    root: Path
    features: Path
    n_jobs: int = 1

    @property
    def store(self) -> Store:
        """The artifacts of this search."""
        return Store(self.root / "store")

    @property
    def task(self) -> Task:
        """What is asked."""
        return self.question.task

    @property
    def truth(self) -> Truth:
        """What is right for each clip, shape ``(n_clips,)``."""
        return self.question.truth(self.dataset)

    def rows(
        self, front_end: FrontEnd, integration: str, *, progress: StageProgress | None = None
    ) -> Rows:
        """Describe every window, or find it described.

        Raises
        ------
        SearchError
            If no clip could be read, or none of a label.
        """
        parameters = {
            "front_end": front_end.describe(),
            "integration": integration,
            "window": self.window,
            "window_hop": self.window_hop,
            "quiet": QUIET_LEVEL,
        }
        recipe: dict[str, Any] = {
            "step": "rows",
            "version": code_digest(*DESCRIBED, libraries=LIBRARIES),
            "parameters": parameters,
            "inputs": [self.fingerprint],
        }
        key = self.store.key(**recipe)
        artifact = self.store.get(key)
        if artifact is None:
            with self.store.writing(key, **recipe) as out:
                self._describe(front_end, integration, out, progress)
            artifact = self.store.get(key)
            assert artifact is not None
        found = _read(artifact)
        self._check_labels(found.clip_index, dict(found.skipped))
        return found

    def _describe(
        self, front_end: FrontEnd, integration: str, out: Path, progress: StageProgress | None
    ) -> None:
        table = FeatureStore(self.features).extract(
            self.dataset.clips,
            front_end,
            window=self.window,
            window_hop=self.window_hop,
            n_jobs=self.n_jobs,
            progress=progress and partial(progress, "features"),
        )
        skipped = [(name_of(clip), why) for clip, why in table.skipped]
        if table.n_unavailable:
            raise SearchError(
                f"{table.n_unavailable} recordings could not be read this time, such as "
                f"{skipped[0][0]}: {skipped[0][1]}. Run again: what is finished is kept"
            )
        loud = table.levels >= QUIET_LEVEL
        skipped += self._quiet_clips(table.clip_index, loud)
        if not loud.any():
            reasons = "; ".join(f"{path}: {why}" for path, why in skipped[:3])
            raise SearchError(f"none of {len(self.dataset)} clips can be used: {reasons}")
        np.save(out / "matrix.npy", _integrated(table, integration)[loud], allow_pickle=False)
        np.save(out / "clip_index.npy", table.clip_index[loud], allow_pickle=False)
        mean_frames = float(np.diff(table.offsets).mean())
        write_json(out / "rows.json", {"skipped": skipped, "mean_frames": mean_frames})

    def _check_labels(self, used: NDArray[np.int64], reasons: Mapping[str, str]) -> None:
        """Refuse a label none of whose clips can be used, and say why they cannot."""
        for label in self.question.lost(self.truth, used)[:1]:
            clips = [clip for clip in self.dataset if clip.labels[self.task.name] == label]
            name = name_of(clips[0])
            raise SearchError(
                f"none of the {len(clips)} clips of {label!r} can be used, such as {name}: "
                f"{reasons.get(name, 'no window')}; mend them or drop the label"
            )

    def _quiet_clips(
        self, clip_index: NDArray[np.int64], loud: NDArray[np.bool_]
    ) -> list[tuple[str, str]]:
        """Clips without a window that a classifier would listen to."""
        quiet = np.setdiff1d(clip_index, clip_index[loud])
        reason = f"quiet throughout: no window reaches {QUIET_LEVEL:g} dBFS"
        return [(name_of(self.dataset[int(place)]), reason) for place in quiet]


def _integrated(table: FeatureTable, integration: str) -> Matrix:
    """Every window as a vector, or as its frames."""
    if integration == FRAMES:
        return table.matrix("stack").reshape(len(table), -1, table.n_bands)
    return table.matrix(integration)


def name_of(clip: Clip) -> str:
    """The path of a clip, with the excerpt's limits where it is one."""
    return f"{clip.path}{clip.id.removeprefix(clip.recording.name)}"


def _read(artifact: Artifact) -> Rows:
    about = read_json(artifact.path / "rows.json")
    return Rows(
        key=artifact.key,
        path=artifact.path / "matrix.npy",
        clip_index=np.load(artifact.path / "clip_index.npy", allow_pickle=False),
        skipped=tuple((path, why) for path, why in about["skipped"]),
        mean_frames=about["mean_frames"],
    )
