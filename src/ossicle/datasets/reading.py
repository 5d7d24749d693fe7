"""Reading a data set: look at the folder, find its layout, account for every file."""

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.files import SOUND_ENDINGS, Found, find
from ossicle.datasets.layouts import ALL, Layout
from ossicle.datasets.tasks import with_kinds
from ossicle.errors import DatasetError, nearest

__all__ = ["LAYOUTS", "read_dataset"]

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in ALL}
"""Name: layout, in the order in which they are tried. Other packages add theirs through the entry
point group ``ossicle.layouts``; these are used when named."""


def read_dataset(
    path: str | Path,
    *,
    layout: str | None = None,
    tasks: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Dataset:
    """Read a folder of recordings, or a CSV, as a data set; no sound is opened.

    Parameters
    ----------
    path : str or Path
        A folder with one folder per label (below train, validation and test or not); a CSV, or a
        folder with one; ``meta.csv`` beside ``audio/``; a data set as it is published; recordings
        with files of labels beside them; or recordings without labels.
    layout : str, optional
        ``"folders"``, ``"csv"``, ``"meta"``, ``"esc50"``, ``"urbansound8k"``, ``"fsdd"``,
        ``"speech-commands"``, ``"audioset"``, ``"audiofolder"``, ``"dcase"``, ``"raven"``,
        ``"audacity"`` or ``"recordings"``; detected by default.
    tasks : sequence of str, optional
        Columns that are tasks; ``label`` by default.
    kinds : mapping of task to kind, optional
        ``"regression"`` for a column of numbers, ``"multilabel"`` for several labels a clip,
        separated by ``;``, ``|`` or ``,``. Also written ``tasks=["bpm:regression"]``. Other tasks
        are binary or multiclass, as the number of their labels says.

    Returns
    -------
    Dataset
        Every file found is one of its clips or in ``skipped``, with the reason.

    Raises
    ------
    DatasetError
        If there is nothing to read, or a table has a mistake.

    >>> import tempfile
    >>> from ossicle.audio import alarm, write_audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for label in ("bell", "hi_lo"):
    ...         write_audio(f"{folder}/{label}/1.wav", alarm(label, 0.5), 16_000)
    ...     read_dataset(folder).labels().tolist()
    ['bell', 'hi_lo']
    """
    found = find(Path(path))
    known = _layout(layout) if layout is not None else _detected(found)
    dataset = known.read(found, with_kinds(tasks, kinds))
    if not dataset.clips:
        reasons = "; ".join(f"{name}: {why}" for name, why in dataset.skipped[:3])
        raise DatasetError(f"{path} holds no clip that can be used: {reasons or 'it is empty'}")
    return dataset


def _layout(name: str) -> Layout:
    if name in LAYOUTS:
        return LAYOUTS[name]
    others = {entry.name: entry for entry in entry_points(group="ossicle.layouts")}
    if name not in others:
        raise DatasetError(f"no layout {name!r}; {nearest(name, [*LAYOUTS, *others])}")
    layout = others[name].load()
    if not isinstance(layout, Layout):
        raise DatasetError(f"the installed layout {name!r} is {layout!r}, not a Layout")
    return layout


def _detected(found: Found) -> Layout:
    for layout in LAYOUTS.values():
        if layout.matches(found) and (layout.by_labels or not found.label_file):
            return layout
    if found.label_file:
        named = found.root / found.others[0][0]
        raise DatasetError(
            f"{named} holds no labels that are known; name the folder, or one of: "
            f"{'; '.join(each.looks_like for each in LAYOUTS.values() if each.by_labels)}"
        )
    raise DatasetError(
        f"{found.root} holds no sounds; allowed: "
        f"{'; '.join(layout.looks_like for layout in LAYOUTS.values())}. Endings of sounds are "
        f"{' '.join(sorted(SOUND_ENDINGS))}"
    )
