"""The trained thing: hears a file, an array or a stream, and is saved as one file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ossicle.audio import info, read_blocks
from ossicle.classifier.bundle import read_bundle, write_bundle
from ossicle.classifier.card import model_card, rows_as_html
from ossicle.classifier.stream import Stream
from ossicle.classifier.trained import Trained
from ossicle.errors import AudioError, ModelError
from ossicle.types import Floats, Prediction

__all__ = ["Classifier", "load"]

BLOCK = 5.0
"""Seconds of an array heard at a time, so that its features are never all in memory."""


@dataclass(frozen=True, eq=False, repr=False)
class Classifier(Trained):
    """Answers what a sound is, and when.

    Made by a search or a training, or opened by `load`; see `Trained` for the fields.

    >>> from ossicle.features import LogMel
    >>> from ossicle.models import Graph
    >>> from ossicle.types import Task
    >>> graph = Graph(n_features=2)
    >>> halves = graph.node("Mul", graph.input, graph.constant(np.float32(0.5)))
    >>> classifier = Classifier(
    ...     tasks=(Task("label", "multiclass", ("low", "high")),),
    ...     front_end=LogMel(n_mels=2),
    ...     integration="mean",
    ...     network=graph.model({"label": halves}, n_labels=2),
    ...     window=1.0,
    ... )
    >>> hiss = np.diff(np.random.default_rng(0).normal(size=64_000, scale=0.1))
    >>> prediction = classifier(hiss, sample_rate=16_000)
    >>> prediction.label, len(prediction.windows)
    ('high', 6)
    >>> stream = classifier.stream(sample_rate=16_000)
    >>> events = [event for block in np.array_split(hiss, 50) for event in stream.push(block)]
    >>> (*events, *stream.finish()) == prediction.events
    True
    """

    def __call__(self, sound: str | Path | Floats, sample_rate: int | None = None) -> Prediction:
        """Hear a whole recording.

        Parameters
        ----------
        sound : path, or float array of shape (n_samples,)
            A file is read in blocks, so that it may be of any length.
        sample_rate : int, optional
            Hz, of the array; a file knows its own.

        Returns
        -------
        Prediction
            Exactly that of a stream that is given the same sound in any blocks.

        Raises
        ------
        AudioError
            If the sound cannot be read, is empty or holds values that are not finite.
        """
        if isinstance(sound, str | Path):
            if sample_rate is not None:
                raise AudioError(f"sample_rate={sample_rate} with a file, which has its own")
            stream = Stream(self, sample_rate=info(sound).sample_rate, name=Path(sound).name)
            blocks: Iterator[Floats] = read_blocks(sound)
        else:
            if sample_rate is None:
                raise AudioError("an array of samples has no rate; give sample_rate= in Hz")
            stream = Stream(self, sample_rate=sample_rate)
            blocks = _blocks(np.asarray(sound), round(BLOCK * sample_rate))
        for block in blocks:
            stream.push(block)
        stream.finish()
        prediction = stream.prediction()
        if not prediction.windows:
            raise AudioError(f"{stream.name} holds no samples")
        return prediction

    def stream(self, sample_rate: int | None = None, *, history: float | None = None) -> Stream:
        """Hear a sound as it comes.

        Parameters
        ----------
        sample_rate : int, optional
            Hz, of the blocks that will be pushed; by default the front end's.
        history : float, optional
            Seconds that the stream's prediction looks back; None: to the start.

        Raises
        ------
        ModelError
            If the classifier takes whole recordings.
        """
        if self.window is None:
            raise ModelError(
                "this classifier takes whole clips (window=None) and cannot hear a stream; "
                "train it with window= in seconds, for example window=1.0"
            )
        rate = self.front_end.sample_rate if sample_rate is None else sample_rate
        return Stream(self, sample_rate=rate, history=history)

    def save(self, path: str | Path) -> None:
        """Write a bundle, atomically, after it has reproduced its golden vectors.

        Parameters
        ----------
        path : str or Path
            Usually ``*.ossicle``.

        Raises
        ------
        BundleError
            If the classifier holds what a bundle cannot, or reads back differently.
        WorkflowError
            If the system refuses to write there.
        """
        write_bundle(self, path)

    def card(self) -> str:
        """The model card, in Markdown."""
        return model_card(self)

    def __repr__(self) -> str:
        return f"<Classifier: {'; '.join(f'{name}: {labels}' for name, labels in self._rows())}>"

    def _repr_html_(self) -> str:
        return rows_as_html("Classifier", self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        return [(task.name, ", ".join(task.labels)) for task in self.tasks]


def load(path: str | Path) -> Classifier:
    """Open a bundle.

    Parameters
    ----------
    path : str or Path
        A ``*.ossicle`` file.

    Returns
    -------
    Classifier
        One that answers exactly as the one that was saved.

    Raises
    ------
    BundleError
        If it is missing, damaged, hostile, or of a newer format.

    >>> load("nothing.ossicle")
    Traceback (most recent call last):
        ...
    ossicle.errors.BundleError: cannot read nothing.ossicle: No such file or directory
    """
    return read_bundle(path, Classifier)


def _blocks(samples: Floats, length: int) -> Iterator[Floats]:
    if samples.ndim != 1:
        yield samples  # the stream says what is wrong with it
        return
    for start in range(0, len(samples), length):
        yield samples[start : start + length]
