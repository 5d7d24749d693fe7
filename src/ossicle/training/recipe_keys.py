"""The keys of a training recipe: which there are, what each may be, the nearest when none is."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ossicle.datasets import check_test
from ossicle.errors import DatasetError, OssicleError, TrainingError, nearest
from ossicle.extras import check_installed
from ossicle.training.settings import Settings

__all__ = ["SECTIONS", "Key", "checked", "recipe_keys", "require_torch", "training_settings"]

NEEDED = ("torch", "safetensors", "onnxscript", "onnx", "sklearn", "h5py", "loky")
"""What a training needs sooner or later."""

NONE = "none"
"""How a recipe says None, for which TOML has no word."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key may be: types of the value, or of the items where it is a list, and in words."""

    types: tuple[type, ...]
    words: str
    is_list: bool = False
    least: float | None = None

    def allows(self, value: object) -> bool:
        """Whether the value is of the right type and not too small; a switch is no number."""
        if isinstance(value, list) != self.is_list:
            return False
        items = value if isinstance(value, list) else [value]
        return all(type(item) in self.types and self._is_enough(item) for item in items)

    def _is_enough(self, item: Any) -> bool:
        return self.least is None or item >= self.least


WORD, TABLE = Key((str,), "a word"), Key((dict,), "a table")
SECTIONS: Mapping[str, Mapping[str, Key]] = {
    "": {
        "compare_single_tasks": Key((bool,), "true or false"),
        "data": Key((dict,), "one table or more, each headed [[data]],", is_list=True),
        "test": TABLE,
        "front_end": TABLE,
        "model": Key((str, dict), "a name or a table"),
        "training": TABLE,
        "augmentation": TABLE,
    },
    "data": {
        "path": WORD,
        "layout": WORD,
        "tasks": Key((str,), "a list of columns", is_list=True),
        "where": Key((dict,), "a table of columns and values"),
        "name": WORD,
        "at_most": Key((int,), "a whole number from 1", least=1),
        "drop": Key((str,), "a list of labels", is_list=True),
        "test": Key((str,), "what [test] how may be"),
    },
    "test": {"how": WORD},
}
"""Tables of a recipe whose keys are its own; ``[training]`` has those of `Settings`, ``[model]``,
``[front_end]`` and ``[augmentation]`` those of the network, front end and `Augmentation`."""

OF_TABLES = ("model", "augmentation")


def recipe_keys() -> list[str]:
    """Every key of the tables that are a recipe's own, and of ``[training]``, dotted.

    >>> keys = recipe_keys()
    >>> "data.at_most" in keys, "training.epochs" in keys, "training.model" in keys
    (True, True, False)
    """
    own = [f"{section}.{key}".strip(".") for section, keys in SECTIONS.items() for key in keys]
    return [*own, *(f"training.{name}" for name in _training_names())]


def _training_names() -> list[str]:
    return ["validation", *(f.name for f in fields(Settings) if f.name not in OF_TABLES)]


def checked(words: Mapping[str, Any]) -> None:
    """Refuse tables that are no recipe.

    Raises
    ------
    TrainingError
        If a key is none of a recipe's, or its value is not what is allowed.

    >>> checked({"data": [{"path": "sounds", "at_most": "10"}]})
    Traceback (most recent call last):
        ...
    ossicle.errors.TrainingError: [[data]] at_most = '10'; a whole number from 1 is allowed
    """
    _check_table("", words)
    if not words.get("data"):
        raise TrainingError("no data set; name one under [[data]] with path = ...")
    for table in words["data"]:
        _check_table("data", table)
        if not table.get("path"):
            raise TrainingError(f"[[data]] {dict(table)} has no path; name a folder or a table")
        _check_test("[[data]] test", table.get("test", "auto"))
    _check_table("test", words.get("test", {}))
    _check_test("[test] how", words.get("test", {}).get("how", "auto"))
    training_settings(words)
    _check_network(words)


def training_settings(words: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `ossicle.train` that the tables hold.

    Raises
    ------
    TrainingError
        If one is not what is allowed.

    >>> training_settings({"training": {"epochs": 3, "scaling": "none"}, "model": "cnn"})
    {'epochs': 3, 'scaling': None, 'model': 'cnn'}
    """
    given = {name: _value(value) for name, value in words.get("training", {}).items()}
    for name in given:
        if name not in _training_names():
            raise TrainingError(f"[training] has no key {name!r}; {_hint('training', name)}")
    share = given.get("validation", 0.15)
    if type(share) is not float or not 0.0 < share < 1.0:
        raise TrainingError(f"[training] validation = {share!r}; a share from 0 to 1 is allowed")
    given |= {name: words[name] for name in OF_TABLES if name in words}
    try:
        Settings.from_settings({name: v for name, v in given.items() if name != "validation"})
    except TrainingError as error:
        raise TrainingError(f"[training] {error}") from error
    return given


def _value(value: Any) -> Any:
    return None if value == NONE else value


def _check_table(section: str, table: Mapping[str, Any]) -> None:
    keys = SECTIONS[section]
    title = {"": "", "data": "[[data]] "}.get(section, f"[{section}] ")
    for name, value in table.items():
        if name not in keys:
            raise TrainingError(
                f"{title or 'a recipe '}has no key {name!r}; {_hint(section, name)}"
            )
        if not keys[name].allows(value):
            raise TrainingError(f"{title}{name} = {value!r}; {keys[name].words} is allowed")


def _hint(section: str, name: str) -> str:
    """The nearest key, or the table that has one of this name."""
    if name in OF_TABLES:
        return f"it is a table of its own, [{name}]"
    homes = [key.rpartition(".")[0] for key in recipe_keys() if key.rpartition(".")[2] == name]
    if homes:
        heads = (f"[[{home}]]" if home == "data" else f"[{home}]" for home in homes if home)
        return f"it belongs under {' or '.join(heads) or 'no heading, before the first table'}"
    return nearest(name, SECTIONS[section] if section in SECTIONS else _training_names())


def _check_test(title: str, how: str) -> None:
    try:
        check_test(how)
    except DatasetError as error:
        raise TrainingError(f"{title}: {error}") from error


def require_torch() -> None:
    """Refuse in words where the extra is missing.

    Raises
    ------
    MissingExtraError
    """
    check_installed(*NEEDED, extra="train")


def _check_network(words: Mapping[str, Any]) -> None:
    """Let the network and the augmentation look over their own tables."""
    require_torch()
    from ossicle.models.networks import architecture
    from ossicle.training.augmentation import Augmentation
    from ossicle.training.trying import AUTO

    makers = {"model": architecture, "augmentation": Augmentation.from_settings}
    if isinstance(words.get("model"), dict) and "name" not in words["model"]:
        raise TrainingError('[model] has no name; name a network, as name = "ds_cnn"')
    if isinstance(words.get("model"), dict) and words["model"].get("name") == AUTO:
        raise TrainingError(
            f'[model] {AUTO!r} tries several networks as they are; say model = "auto"'
        )
    for name, make in makers.items():
        try:
            if name in words and words[name] != AUTO:
                make(words[name])
        except OssicleError as error:
            raise TrainingError(f"[{name}] {error}") from error
