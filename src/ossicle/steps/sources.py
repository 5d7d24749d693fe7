"""Data sets as inputs of steps: what one is named by, wherever its table says the sounds lie."""

from pathlib import Path
from typing import Annotated

from ossicle.datasets import read_dataset
from ossicle.errors import DatasetError
from ossicle.workflow.files import digest, file_digests, path_digest
from ossicle.workflow.manifest import Digest

__all__ = ["DataSet", "Named", "dataset_digest", "named_digest"]


def dataset_digest(path: Path) -> str:
    """Name a data set by its files and by the sounds elsewhere that its table names.

    Its own name counts too, since reports and classifiers tell it; the folder it lies in does not.

    >>> import tempfile
    >>> from ossicle.audio import alarm, write_audio
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_audio(folder / "in/bell/1.wav", alarm("bell", 0.5), 16_000)
    >>> before = dataset_digest(folder / "in")
    >>> write_audio(folder / "in/bell/1.wav", alarm("bell", 0.6), 16_000)
    >>> dataset_digest(folder / "in") == before
    False
    """
    root = path if path.is_dir() else path.parent
    elsewhere = [each for each in _sounds(path) if path.is_file() or not each.is_relative_to(root)]
    told = file_digests(elsewhere).values()
    return digest(path.name, path_digest(path), *map(str, told))


def named_digest(path: Path) -> str:
    """Name a sound, or a folder of sounds, by its bytes and its own name, which answers tell."""
    return digest(path.name, path_digest(path))


def _sounds(path: Path) -> list[Path]:
    """The sounds of a data set; what cannot be read so is told apart by its bytes alone."""
    try:
        return [clip.path for clip in read_dataset(path)]
    except DatasetError:
        return []


DataSet = Annotated[Path, Digest(dataset_digest)]
"""A data set as `ossicle.read_dataset` takes it, counted by its files and all of its sounds."""

Named = Annotated[Path, Digest(named_digest)]
"""A file or a folder of sounds, counted by its name too."""
