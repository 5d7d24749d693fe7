"""Writing a data set in the layouts that other programs read."""

from pathlib import Path

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.layouts import ALL
from ossicle.datasets.tensor import dataset_tensor, write_tensor
from ossicle.errors import DatasetError, nearest

__all__ = ["WRITTEN", "write_dataset"]

TENSOR = "tensor"
_WRITERS = {layout.name: layout.write for layout in ALL if layout.write is not None}
WRITTEN = (*sorted(_WRITERS), TENSOR)
"""Layouts that can be written."""


def write_dataset(
    dataset: Dataset,
    path: str | Path,
    *,
    layout: str,
    copy: bool = True,
    sample_rate: int | None = None,
) -> None:
    """Write a data set so that other programs, and `read_dataset`, read it.

    ==============  ===============================================================================
    ``csv``         a CSV, or a folder with ``clips.csv``; the sounds stay where they are
    ``audiofolder``  ``metadata.csv`` and the sounds, below their split; excerpts are cut
    ``audacity``    sounds, each with a label track beside it
    ``raven``       sounds, each with a selection table beside it
    ``dcase``       sounds and ``events.tsv``
    ``tensor``      one HDF5 file of equally long clips, read with `read_tensor`
    ==============  ===============================================================================

    Licence, author, source, group, fold and split go along: in the table, or in ``recordings.csv``
    beside the labels. The formats of labels hold the first task, and no metadata.

    Parameters
    ----------
    dataset : Dataset
    path : str or Path
        Folder; a file for a tensor and, if it ends in ``.csv``, for a CSV.
    layout : str
    copy : bool
        Copy the sounds; without, only labels are written, to be put beside the sounds.
    sample_rate : int, optional
        Hz, of a tensor.

    Raises
    ------
    DatasetError
        If there is no such layout, or it cannot hold the data set.

    >>> import tempfile
    >>> from ossicle.audio import alarm, write_audio
    >>> from ossicle.datasets import read_dataset
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_audio(folder / "sounds/bell/1.wav", alarm("bell", 0.5), 16_000)
    >>> write_dataset(read_dataset(folder / "sounds"), folder / "out", layout="audiofolder")
    >>> read_dataset(folder / "out").labels().tolist()
    ['bell']
    """
    if layout not in WRITTEN:
        raise DatasetError(f"no layout {layout!r} to write; {nearest(layout, WRITTEN)}")
    if layout == TENSOR:
        write_tensor(path, dataset_tensor(dataset, sample_rate=sample_rate))
    else:
        _WRITERS[layout](dataset, Path(path), copy)
