"""Numbers and tables as Markdown."""

from collections.abc import Iterable, Sequence

from ossicle.evaluation import Interval

__all__ = [
    "command",
    "decibels",
    "listed",
    "made_by",
    "name",
    "percent",
    "rate",
    "signed",
    "table",
    "times",
    "within",
]


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, words: int = 1) -> str:
    """A table whose first columns are words and whose others are numbers.

    >>> print(table(["what", "n"], [["a", 1]]))
    | what | n |
    |---|---:|
    | a | 1 |
    """
    rule = ["---"] * words + ["---:"] * (len(header) - words)
    lines = [header, *rows]
    drawn = ["| " + " | ".join(map(str, line)) + " |" for line in lines]
    drawn.insert(1, "|" + "|".join(rule) + "|")
    return "\n".join(drawn)


def rate(value: float, digits: int = 3) -> str:
    """A share.

    >>> rate(0.5), rate(float("nan"))
    ('0.500', '–')
    """
    return "–" if value != value else f"{value:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """A difference, with the sign it has after rounding.

    >>> signed(0.02), signed(-0.02), signed(-0.0001)
    ('+0.020', '−0.020', '0.000')
    """
    rounded = round(value, digits) + 0.0
    text = f"{rounded:+.{digits}f}".replace("-", "−")
    return text if rounded else text[1:]


def percent(value: float) -> str:
    """A share in a sentence.

    >>> percent(0.954)
    '95 %'
    """
    return f"{100 * value:.0f} %"


def decibels(value: float) -> str:
    """A level or ratio without its unit.

    >>> decibels(-5.0)
    '−5'
    """
    return f"{value:g}".replace("-", "−")


def times(n: int) -> str:
    """How often.

    >>> times(2), times(12)
    ('twice', '12 times')
    """
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


def within(interval: Interval, *, sign: bool = False, digits: int = 3) -> str:
    """An interval.

    >>> within(Interval(0.25, 0.5)), within(Interval(-0.25, 0.5), sign=True)
    ('0.250–0.500', '−0.250 to +0.500')
    """
    if not interval.known:
        return "not known"
    if sign:
        return f"{signed(interval.low, digits)} to {signed(interval.high, digits)}"
    return f"{rate(interval.low, digits)}–{rate(interval.high, digits)}"


def name(label: str) -> str:
    """A label as words.

    >>> name("doing_the_dishes")
    'doing the dishes'
    """
    return label.replace("_", " ")


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "none"


def made_by(part: str) -> str:
    """Which command and which file measured a part."""
    return f"`make study`, measured by [`{part}.py`](../studies/alarm/{part}.py)."


def command(text: str) -> str:
    """What to type."""
    return f"```console\n$ {text}\n```"
