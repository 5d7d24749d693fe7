"""What a network is learnt from and how, read from TOML: data sets, test, front end, settings."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ossicle.datasets import LAYOUTS, Dataset, read_dataset
from ossicle.errors import OssicleError, TrainingError, nearest
from ossicle.features import front_end as build_front_end
from ossicle.training.recipe_keys import OF_TABLES, SECTIONS, checked, training_settings

__all__ = ["Recipe", "Source", "read_recipe", "recipe_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A data set, and which of its clips are taken.

    Parameters
    ----------
    path : Path
        As for `ossicle.read_dataset`.
    layout : str, optional
    tasks : tuple of str
        Columns that are tasks; ``label`` if there are none.
    where : mapping of column to value or list of values
    name : str
        That of the data set by default.
    at_most : int, optional
        Clips of each label of the first task, drawn at random.
    drop : tuple of str
        Labels of the first task to leave out.
    test : str, optional
        What of it is held out, if not what the recipe says.
    seed : int
        Of what is drawn.
    """

    path: Path
    layout: str | None = None
    tasks: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    at_most: int | None = None
    drop: tuple[str, ...] = ()
    test: str | None = None
    seed: int = 0

    def read(self) -> Dataset:
        """The clips that are taken.

        Raises
        ------
        DatasetError
            If nothing can be read.
        TrainingError
            If nothing is left.
        """
        whole = read_dataset(self.path, layout=self.layout, tasks=self.tasks or None)
        kept = whole.where(**self.where) if self.where else whole
        kept = kept.drop_label(*self.drop) if self.drop else kept
        kept = kept if self.at_most is None else kept.at_most(self.at_most, seed=self.seed)
        if not len(kept):
            raise TrainingError(
                f"{self.path}: none of {len(whole)} clips is left by where = {dict(self.where)} "
                f"and drop = {list(self.drop)}"
            )
        return Dataset(kept.clips, kept.tasks, kept.skipped, self.name or kept.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides a training.

    Parameters
    ----------
    data : tuple of Source
    test : str
        What is held out of each data set and judged once: ``auto``, ``split``, ``holdout``,
        ``folds``, ``groups``, ``none``, or ``COLUMN=VALUE``.
    front_end : mapping
        Its description.
    training : mapping
        Arguments of `ossicle.train`: ``validation`` and the fields of `Settings`.
    compare_single_tasks : bool
        Whether a network is learnt from each data set alone too.
    """

    data: tuple[Source, ...]
    test: str = "auto"
    front_end: Mapping[str, Any] = field(default_factory=lambda: {"name": "log_mel"})
    training: Mapping[str, Any] = field(default_factory=dict)
    compare_single_tasks: bool = False

    def datasets(self) -> tuple[Dataset, ...]:
        """Each data set, read.

        Raises
        ------
        TrainingError
            If two of them have one name.
        """
        read = tuple(source.read() for source in self.data)
        names = [dataset.name for dataset in read]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise TrainingError(
                f"two data sets are called {twice[0]!r}; give each [[data]] a name of its own"
            )
        return read

    def words(self) -> dict[str, Any]:
        """The recipe as the tables of a file, paths in full; see `recipe_of`."""
        training = dict(self.training)
        tables = {name: training.pop(name) for name in OF_TABLES if name in training}
        return {
            "compare_single_tasks": self.compare_single_tasks,
            "data": [_source_words(source) for source in self.data],
            "test": {"how": self.test},
            "front_end": dict(self.front_end),
            **tables,
            "training": training,
        }


def read_recipe(path: str | Path, *, data: str | Path | None = None) -> dict[str, Any]:
    """The tables of a recipe file, paths made full.

    Parameters
    ----------
    path : str or Path
        A TOML file.
    data : str or Path, optional
        The folder that paths are relative to; the recipe's own by default.

    Raises
    ------
    TrainingError
        If it cannot be read, or a key or value is none that a recipe has.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "digits.toml"
    >>> _ = path.write_text('''
    ... [[data]]
    ... path = "fsdd"
    ... [training]
    ... epochs = 20
    ... ''')
    >>> words = read_recipe(path, data="/sounds")
    >>> words["data"][0]["path"], recipe_of(words).training["epochs"]
    ('/sounds/fsdd', 20)
    """
    path = Path(path)
    folder = path.parent if data is None else Path(data)
    words = _tables(path)
    try:
        tables: dict[str, Any] = _placed(words, folder)
        checked(tables)
    except TrainingError as error:
        raise TrainingError(f"{path}: {error}") from error
    return tables


def _placed(value: Any, folder: Path, key: str = "") -> Any:
    """The tables with every ``path`` made full but those below ``where``, which are columns."""
    if isinstance(value, list):
        return [_placed(each, folder) for each in value]
    if isinstance(value, dict) and key != "where":
        return {name: _placed(each, folder, name) for name, each in value.items()}
    is_path = key == "path" and isinstance(value, str) and value
    return _full_path(folder, value) if is_path else value


def _full_path(folder: Path, name: str) -> str:
    try:
        return str((folder / name).resolve())
    except (OSError, ValueError, RuntimeError) as error:  # a null byte, a circle of links
        raise TrainingError(f"path = {name!r} is no path: {error}") from error


def _tables(path: Path) -> dict[str, Any]:
    if path.exists() and not path.is_file():
        raise TrainingError(f"cannot read the recipe {path}: it is no regular file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"cannot read the recipe {path}: {error}") from error
    except (ValueError, RecursionError) as error:  # also a whole number of thousands of digits
        raise TrainingError(f"{path} is no TOML: {error}") from error


def recipe_of(words: Mapping[str, Any]) -> Recipe:
    """The recipe that tables describe.

    Parameters
    ----------
    words : mapping
        ``data`` (a list of tables), ``test``, ``front_end``, ``model``, ``training``,
        ``augmentation``, ``compare_single_tasks``; all but ``data`` may be missing.

    Raises
    ------
    TrainingError
        If a key or value is none that a recipe has.

    >>> recipe_of({"data": [{"path": "fsdd"}], "test": {"how": "fold"}})
    Traceback (most recent call last):
        ...
    ossicle.errors.TrainingError: [test] how: test is 'fold'; did you mean 'folds'?
    """
    checked(words)
    training = training_settings(words)
    return Recipe(
        data=tuple(_source(each, training.get("seed", 0)) for each in words["data"]),
        test=words.get("test", {}).get("how", "auto"),
        front_end=_front_end(words.get("front_end", {})),
        training=training,
        compare_single_tasks=words.get("compare_single_tasks", False),
    )


def _front_end(table: Mapping[str, Any]) -> dict[str, Any]:
    """A front end's description, looked over."""
    front = {"name": "log_mel", **table}
    try:
        build_front_end(front)
    except OssicleError as error:
        raise TrainingError(f"[front_end] {error}") from error
    return front


def _source(table: Mapping[str, Any], seed: int) -> Source:
    layout = table.get("layout")
    if layout is not None and layout not in LAYOUTS:
        raise TrainingError(f"[[data]] layout = {layout!r}; {nearest(layout, LAYOUTS)}")
    several = {name: tuple(table[name]) for name in ("tasks", "drop") if name in table}
    return Source(**{**table, **several, "path": Path(table["path"]), "seed": seed})


def _source_words(source: Source) -> dict[str, Any]:
    """What of a source is not as by default."""
    given = {name: getattr(source, name) for name in SECTIONS["data"]}
    plain = {
        name: list(value) if isinstance(value, tuple) else value for name, value in given.items()
    }
    return {name: value for name, value in {**plain, "path": str(source.path)}.items() if value}
