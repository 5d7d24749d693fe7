"""The one error tree: everything raised for a user's mistake or a bad input.

OssicleError
├── AudioError          a sound file or array that cannot be used
│   └── UnavailableError    a sound that could not be read this time
├── DatasetError        a data set, label, split or mixing recipe that cannot be used
├── FeatureError        a front end, integration or feature store that cannot be used
├── ModelError          an estimator or network that cannot be fitted, written or run
├── BundleError         a ``*.ossicle`` file that is damaged, hostile or from the future
├── EvaluationError     figures that cannot be computed from what was given
├── SearchError         a grid, fold or front that cannot be searched
├── TrainingError       a network, recipe or run folder that cannot be trained or resumed
├── WorkflowError       an artifact store or executor that failed
└── MissingExtraError   an optional part that is not installed

A message says what is wrong with its value, what was allowed, and the likely cause or next step.
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "AudioError",
    "BundleError",
    "DatasetError",
    "EvaluationError",
    "FeatureError",
    "MissingExtraError",
    "ModelError",
    "OssicleError",
    "SearchError",
    "TrainingError",
    "UnavailableError",
    "WorkflowError",
    "nearest",
]


class OssicleError(Exception):
    """Base of everything ossicle raises for a user's mistake or a bad input."""


class AudioError(OssicleError):
    """A sound file or array that cannot be used."""


class UnavailableError(AudioError):
    """A sound that could not be read this time: missing, refused by the system, too large for now.

    Says nothing about the sound itself, so nothing is to be remembered about it.
    """


class DatasetError(OssicleError):
    """A data set, label, split or mixing recipe that cannot be used."""


class FeatureError(OssicleError):
    """A front end, integration or feature store that cannot be used."""


class ModelError(OssicleError):
    """An estimator or network that cannot be fitted, written or run."""


class BundleError(OssicleError):
    """A ``*.ossicle`` file that is damaged, hostile or from the future."""


class EvaluationError(OssicleError):
    """Figures that cannot be computed from what was given."""


class SearchError(OssicleError):
    """A grid, fold or front that cannot be searched."""


class TrainingError(OssicleError):
    """A network, recipe or run folder that cannot be trained or resumed."""


class WorkflowError(OssicleError):
    """An artifact store or executor that failed."""


class MissingExtraError(OssicleError, ImportError):
    """An optional part that is not installed."""


def nearest(word: str, words: Iterable[str]) -> str:
    """A closing half-sentence: the word that was probably meant, or all there are.

    >>> nearest("n_mel", ["n_fft", "n_mels"])
    "did you mean 'n_mels'?"
    >>> nearest("colour", ["n_fft", "n_mels"])
    'allowed: n_fft, n_mels'
    """
    words = sorted(words)
    close = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(words)}"
