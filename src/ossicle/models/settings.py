"""What a hyper-parameter may be: each check passes in silence or says what was allowed.

What has hyper-parameters is `Described`.
"""

import dataclasses
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from ossicle.errors import ModelError, nearest

__all__ = ["Described", "check_number", "check_penalty", "check_seed", "check_whole", "check_word"]

MAX_SEED = 2**32 - 1


@dataclasses.dataclass(frozen=True)
class Described:
    """What is made of hyper-parameters, which are its fields."""

    name: ClassVar[str]

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Names of the hyper-parameters."""
        return tuple(field.name for field in dataclasses.fields(cls))

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Build from a mapping, naming the nearest hyper-parameter when one is unknown."""
        for key in parameters:
            if key not in cls.fields():
                hint = nearest(key, cls.fields())
                raise ModelError(f"{cls.name} has no hyper-parameter {key!r}; {hint}")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()})

    def describe(self) -> dict[str, Any]:
        """Name and hyper-parameters as JSON."""
        values = dataclasses.asdict(self).items()
        return {"name": self.name, **{k: list(v) if isinstance(v, tuple) else v for k, v in values}}


def check_whole(name: str, value: object, *, above: int = 0) -> None:
    """Refuse what is no whole number greater than ``above``."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= above:
        raise ModelError(f"{name} is {value!r}; it must be a whole number above {above}")


def check_number(name: str, value: object, *, above: float = 0.0, most: float = math.inf) -> None:
    """Refuse what is no finite number greater than ``above`` and at most ``most``."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not above < value <= most or math.isinf(value):  # type: ignore[operator, arg-type]
        limit = "" if math.isinf(most) else f" and at most {most:g}"
        raise ModelError(f"{name} is {value!r}; it must be a number above {above:g}{limit}")


def check_word(name: str, value: object, allowed: Iterable[str | None]) -> None:
    """Refuse what is none of a few words."""
    allowed = list(allowed)
    if value not in allowed:
        raise ModelError(
            f"{name} is {value!r}; allowed are {' and '.join(repr(word) for word in allowed)}"
        )


def check_seed(seed: object) -> None:
    """Refuse what scikit-learn takes for no seed."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise ModelError(f"seed is {seed!r}; it must be a whole number from 0 to {MAX_SEED}")


def check_penalty(C: float, class_weight: str | None) -> None:
    """Refuse a cost that is no positive number, and a weighting that is none."""
    check_number("C", C)
    check_word("class_weight", class_weight, (None, "balanced"))
