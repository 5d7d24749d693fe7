"""A self-contained HTML page of sections with text, tables and pictures.

One file, no script, no request to anywhere (its own policy forbids them), light and dark, wide and
narrow. Whatever is shown is escaped, freed of hidden characters and kept from reordering its
neighbours. Same sections, same bytes.
"""

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from ossicle.evaluation.plots.style import DPI
from ossicle.evaluation.visible import visible
from ossicle.workflow.files import replacing

__all__ = ["Cell", "Picture", "Section", "Table", "page", "write_html"]

Cell = str | int | float | None
"""What a table holds; ``None`` and ``nan`` are shown as "not measured"."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; numbers are set to the right.

    Parameters
    ----------
    columns : sequence of str
    rows : sequence of sequence of Cell
    caption : str
    marked : sequence of int
        Rows to set off, such as the configuration that was chosen.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    marked: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with the words for those who cannot see it."""

    png: bytes
    alt: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs, code, tiles of figures, pictures and tables, in this order.

    Parameters
    ----------
    title : str
    text : str
        Paragraphs, separated by blank lines.
    code : str
        Shown as it is: a command.
    tiles : sequence of (name, value, note)
        The figures to see first.
    pictures : sequence of Picture
    tables : sequence of Table
    folded : bool
        Closed until it is clicked on.
    """

    title: str
    text: str = ""
    code: str = ""
    tiles: Sequence[tuple[str, str, str]] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    folded: bool = False


def write_html(path: str | Path, title: str, sections: Iterable[Section]) -> Path:
    """Write a page, whole or not at all.

    Parameters
    ----------
    path : str or Path
    title : str
    sections : iterable of Section

    Returns
    -------
    Path
        Where it lies.
    """
    content = page(title, sections)
    with replacing(Path(path)) as temporary:
        temporary.write_text(content, encoding="utf-8", newline="\n")
    return Path(path)


def page(title: str, sections: Iterable[Section]) -> str:
    """The whole page as text.

    >>> "<h2>A &amp; B</h2>" in page("Report", [Section("A & B", "No clip was <lost>.")])
    True
    """
    body = "\n".join(_section(section) for section in sections)
    return _PAGE.format(title=_safe(title), style=_style(), body=body)


def measured(value: Cell, *, digits: int = 3) -> str:
    """A figure as words: fixed digits, or "not measured".

    >>> measured(0.5), measured(12), measured(float("nan"))
    ('0.500', '12', 'not measured')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "not measured"
    return f"{value:.{digits}f}" if isinstance(value, float) else visible(value)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def _style() -> str:
    return (files("ossicle.evaluation") / "page.css").read_text(encoding="utf-8").strip()


def _safe(value: object) -> str:
    return escape(visible(value), quote=True)


def _section(section: Section) -> str:
    parts = [f"<p>{_safe(text)}</p>" for text in _paragraphs(section.text)]
    if section.code:
        parts.append(f"<pre><code>{_code(section.code)}</code></pre>")
    if section.tiles:
        parts.append(f'<div class="tiles">{"".join(_tile(*tile) for tile in section.tiles)}</div>')
    if section.pictures:
        parts.append(f'<div class="pictures">{"".join(map(_picture, section.pictures))}</div>')
    parts += map(_table, section.tables)
    inside, heading = "\n".join(parts), f"<h2>{_safe(section.title)}</h2>"
    if section.folded:
        return f"<details><summary>{heading}</summary>\n{inside}\n</details>"
    return f"<section>{heading}\n{inside}\n</section>"


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split("\n")) for part in text.split("\n\n") if part.strip()]


def _code(code: str) -> str:
    return "\n".join(_safe(line) for line in code.split("\n"))


def _tile(name: str, value: str, note: str) -> str:
    return (
        f'<div class="tile"><div class="name">{_safe(name)}</div>'
        f'<div class="value">{_safe(value)}</div><div class="note">{_safe(note)}</div></div>'
    )


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    caption = f"<figcaption>{_safe(picture.caption)}</figcaption>" if picture.caption else ""
    return (
        f'<figure><img{_size(picture.png)} alt="{_safe(picture.alt)}" '
        f'src="data:image/png;base64,{data}">'
        f"{caption}</figure>\n"
    )


def _size(png: bytes) -> str:
    """The size on a screen of 96 dots an inch of a picture drawn at ``DPI``."""
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))  # of the IHDR
    return f' width="{width * 96 // DPI}" height="{height * 96 // DPI}"'


def _table(table: Table) -> str:
    caption = f"<caption>{_safe(table.caption)}</caption>" if table.caption else ""
    numeric = [_numeric(row[i] for row in table.rows) for i in range(len(table.columns))]
    head = "".join(
        f'<th scope="col"{_class("number", number)}>{_safe(name)}</th>'
        for name, number in zip(table.columns, numeric, strict=True)
    )
    marked = set(table.marked)
    rows = "\n".join(
        f"<tr{_class('marked', index in marked)}>{_cells(row, numeric)}</tr>"
        for index, row in enumerate(table.rows)
    )
    return (
        f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _cells(row: Sequence[Cell], numeric: Sequence[bool]) -> str:
    return "".join(
        f"<td{_class('number', number)}><bdi>{_safe(measured(cell))}</bdi></td>"
        for cell, number in zip(row, numeric, strict=True)
    )


def _class(name: str, wanted: bool) -> str:
    return f' class="{name}"' if wanted else ""


def _numeric(cells: Iterable[Cell]) -> bool:
    """Whether a column holds numbers only, and at least one."""
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(isinstance(cell, int | float) for cell in known)
