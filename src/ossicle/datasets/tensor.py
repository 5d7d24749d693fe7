"""Data tensors: equal clips as one array in an HDF5 file, with their answers and names.

``input`` has one sample a row and the axes sample, channel, height and width; ``output`` its class
index, or its value; ``sample_names`` and ``class_names`` are UTF-8. Axes carry their names. What
licences ask for travels along as ``licences``, ``authors`` and ``sources``, one a sample. How
``input`` was made of the sounds is told by the attribute ``made_by``, as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ossicle.audio import read_audio
from ossicle.datasets.dataset import Dataset
from ossicle.errors import DatasetError
from ossicle.extras import require
from ossicle.workflow.files import canonical_json, replacing

__all__ = ["Tensor", "dataset_tensor", "read_tensor", "write_tensor"]

AXES = ("sample", "channel", "height", "width")
RIGHTS = ("licences", "authors", "sources")
TEXTS = ("sample_names", "class_names", *RIGHTS)
MAX_RATE = 2**31
LARGEST = 2**33
"""Bytes that a tensor may take once it is read."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """Equal clips, or what was made of them, as one array.

    Parameters
    ----------
    input : array, shape (n_samples, n_channels, height, width)
        A clip is as wide as it has samples and of height 1; a matrix is bands by frames.
    output : array, shape (n_samples,) or (n_samples, n_classes)
        Class index; value of a regression; or which classes of a multilabel task.
    sample_names, class_names : tuple of str
    licences, authors, sources : tuple of str
        One a sample, or none.
    sample_rate : int
        Hz; 0 where it is not known.
    made_by : mapping
        How ``input`` was made of the sounds, as JSON; empty where it is the sounds.
    """

    input: NDArray[Any]
    output: NDArray[Any]
    sample_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    licences: tuple[str, ...] = field(default=())
    authors: tuple[str, ...] = field(default=())
    sources: tuple[str, ...] = field(default=())
    sample_rate: int = 0
    made_by: Mapping[str, Any] = field(default_factory=dict)


def dataset_tensor(dataset: Dataset, *, sample_rate: int | None = None) -> Tensor:
    """The sounds of a data set as one tensor, all channels averaged.

    Parameters
    ----------
    dataset : Dataset
        Of clips that are equally long.
    sample_rate : int, optional
        Hz to resample to; needed where the clips differ in it.

    Raises
    ------
    DatasetError
        If the clips differ in length or rate.
    """
    asked = dataset.task()
    heard = [
        read_audio(clip.path, sample_rate=sample_rate, start=clip.start, end=clip.end)
        for clip in dataset.clips
    ]
    shapes = {(len(samples), rate) for samples, rate in heard}
    if len(shapes) != 1:
        told = ", ".join(f"{n} samples at {rate} Hz" for n, rate in sorted(shapes)[:3])
        raise DatasetError(
            f"{dataset.name}: clips of {told or 'no'} length; a tensor needs equal ones. Cut them "
            "with windows(), and name one sample_rate"
        )
    outputs = {"regression": dataset.values, "multilabel": dataset.indicators}
    recordings = [clip.recording for clip in dataset.clips]
    return Tensor(
        np.stack([samples for samples, _ in heard])[:, None, None, :],
        outputs.get(asked.kind, dataset.targets)(),
        tuple(clip.id for clip in dataset.clips),
        () if asked.kind == "regression" else asked.labels,
        tuple(recording.licence for recording in recordings),
        tuple(recording.author for recording in recordings),
        tuple(recording.source for recording in recordings),
        shapes.pop()[1],
    )


def write_tensor(path: str | Path, tensor: Tensor) -> None:
    """Write a tensor, atomically; the same tensor makes the same bytes.

    Raises
    ------
    DatasetError
        If its parts do not fit together.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.h5"
    >>> matrices = np.zeros((2, 1, 40, 98), np.float32)
    >>> write_tensor(path, Tensor(matrices, np.array([0, 1]), ("a", "b"), ("no", "yes")))
    >>> read_tensor(path).input.shape
    (2, 1, 40, 98)
    """
    _check(tensor, Path(path))
    h5py = require("h5py", extra="search")
    with replacing(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        file.attrs["sample_rate"] = tensor.sample_rate
        if tensor.made_by:
            file.attrs["made_by"] = canonical_json(tensor.made_by)
        _write_array(file, "input", tensor.input, AXES)
        _write_array(file, "output", tensor.output, ("sample", "class index"))
        for name in TEXTS:
            values = np.array(getattr(tensor, name), dtype=object)
            file.create_dataset(name, data=values, dtype=h5py.string_dtype())


def read_tensor(path: str | Path) -> Tensor:
    """Read a tensor; nothing outside the file is looked at.

    Raises
    ------
    DatasetError
        If it is no such file, too large, or its parts do not fit together.
    """
    h5py = require("h5py", extra="search")
    path = Path(path)
    if not path.is_file():
        raise DatasetError(f"{path} is no file; a data tensor in HDF5 is needed")
    try:
        with h5py.File(path, "r") as file:
            texts = {name: _texts(file, name, h5py) for name in TEXTS}
            tensor = Tensor(
                _array(file, "input", h5py),
                _array(file, "output", h5py),
                texts["sample_names"],
                texts["class_names"],
                licences=texts["licences"],
                authors=texts["authors"],
                sources=texts["sources"],
                sample_rate=_rate(file.attrs.get("sample_rate", 0)),
                made_by=_made_by(file.attrs.get("made_by", "{}")),
            )
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise DatasetError(f"{path} is no data tensor: {error}") from error
    _check(tensor, path)
    return tensor


def _write_array(file: Any, name: str, values: NDArray[Any], axes: Sequence[str]) -> None:
    array = file.create_dataset(name, data=values)
    for dimension, axis in zip(array.dims, axes, strict=False):
        dimension.label = axis


def _stored(file: Any, name: str, h5py: Any) -> Any:
    """A dataset of the file itself: neither a link nor data that lie elsewhere."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"no dataset {name!r}")
    found = file[name]
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise ValueError(f"{name!r} is not stored in the file")
    if found.size * max(1, found.dtype.itemsize) > LARGEST:
        raise ValueError(f"{name!r} takes more than {LARGEST} bytes")
    return found


def _array(file: Any, name: str, h5py: Any) -> NDArray[Any]:
    found = _stored(file, name, h5py)
    if found.dtype.kind not in "biuf":
        raise ValueError(f"{name!r} holds {found.dtype}; numbers are needed")
    return np.asarray(found[()])


def _texts(file: Any, name: str, h5py: Any) -> tuple[str, ...]:
    if name in RIGHTS and name not in file:
        return ()
    found = _stored(file, name, h5py)
    if found.ndim != 1:
        raise ValueError(f"{name!r} has shape {found.shape}; one text a row is needed")
    return tuple(map(str, found.asstr()[()].tolist()))


def _made_by(text: Any) -> dict[str, Any]:
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError(f"made_by is {text!r:.80}; a JSON object is needed")
    return told


def _rate(value: Any) -> int:
    rate = int(value)
    if rate != value or not 0 <= rate < MAX_RATE:
        raise ValueError(f"a sample rate of {value} Hz; whole numbers from 0 are allowed")
    return rate


def _check(tensor: Tensor, path: Path) -> None:
    n_samples = len(tensor.input) if tensor.input.ndim else 0
    if tensor.input.ndim != len(AXES) or len(tensor.sample_names) != n_samples:
        raise DatasetError(
            f"{path}: input of shape {tensor.input.shape} for {len(tensor.sample_names)} names; "
            f"{', '.join(AXES)} are its axes, and each sample has a name"
        )
    _check_output(tensor, path, n_samples)
    for name in RIGHTS:
        if (n_told := len(getattr(tensor, name))) not in (0, n_samples):
            raise DatasetError(f"{path}: {n_told} {name} for {n_samples} samples")
    is_class = tensor.output.ndim == 1 and tensor.class_names
    if is_class and not np.isin(tensor.output, np.arange(len(tensor.class_names))).all():
        raise DatasetError(f"{path}: a class index has none of {len(tensor.class_names)} names")


def _check_output(tensor: Tensor, path: Path, n_samples: int) -> None:
    shape, n_classes = tensor.output.shape, len(tensor.class_names)
    if shape not in ((n_samples,), (n_samples, n_classes)):
        raise DatasetError(
            f"{path}: output of shape {shape} for {n_samples} samples and {n_classes} classes; one "
            "a sample, or one a sample and class, is allowed"
        )
