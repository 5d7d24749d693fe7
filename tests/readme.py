"""The README as a list of things to do, so that tests can follow it word by word."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"

BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+?) -->\n+)?"
    r"^```(?P<language>python|console|toml)\n(?P<text>.*?)^```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A piece of Python, a TOML file, or the commands after ``$`` in a piece of terminal."""

    language: str
    text: str
    line: int
    reason: str | None

    @property
    def commands(self) -> list[str]:
        """Every ``$ ossicle …`` line, without the dollar."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line[2:].strip() for line in lines if re.match(r"\$ (.*\| *)?ossicle\b", line)]


def blocks() -> list[Block]:
    """The README's blocks of Python, TOML and terminal, in the order of the page.

    A comment ``<!-- not run: why -->`` before a block excuses it from being run.
    """
    page = README.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["text"],
            page.count("\n", 0, found.start("language")) + 1,
            found["reason"],
        )
        for found in BLOCK.finditer(page)
    ]
