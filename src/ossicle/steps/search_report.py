"""The HTML page of a search: the choice, the front, the table, and the figures on the test part."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ossicle.evaluation.html import Picture, Section, Table, measured, write_html
from ossicle.evaluation.plots import png_bytes
from ossicle.evaluation.sections import made_by
from ossicle.selection import SearchResult
from ossicle.selection.table import Row, told_apart, without_shared

__all__ = ["write_search_report"]


def write_search_report(
    path: Path,
    result: SearchResult,
    *,
    chosen: Row,
    tests: Mapping[str, Any],
    paper: Mapping[str, Any] | None = None,
    command: str,
) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
    result : SearchResult
    chosen : dict
        The row of the classifier that was trained.
    tests : mapping of name to Report
        Figures on what was held out.
    paper : mapping of configuration id to Report
        What the paper's second selection, on the test part, keeps.
    command : str
        What made the page.
    """
    dataset = result.material.dataset
    sections = [
        _chosen(result, chosen),
        *_tests(result, tests),
        *_paper(result, paper or {}),
        _front(result, chosen),
        _table(result, chosen),
        *_dropped(result),
        Section("Recordings", code=str(dataset.check()), folded=True),
        *([] if len(tests) == 1 else [made_by(command, {})]),
    ]
    write_html(path, f"Search on {dataset.name}", sections)


def _chosen(result: SearchResult, row: Row) -> Section:
    judged = len(result.rows) + len(result.dropped)
    return Section(
        "Chosen",
        text=f"{row['model']} on {row['integration']} of {row['front_end']}: the best of "
        f"{judged} configurations on recordings left out of training (validation figures).",
        tiles=[
            *((name, measured(row[name]), _spread(row, name)) for name in _qualities(result)),
            ("bundle", f"{row['bytes'] / 1024:.0f} KiB", "one file"),
            ("latency", f"{row['latency_ms']:.2f} ms", "features and network, one window"),
            ("multiply-adds", f"{row['multiply_adds'] / 1e6:.2f} M", "a window"),
        ],
    )


def _qualities(result: SearchResult) -> tuple[str, ...]:
    return result.material.question.qualities


def _spread(row: Row, name: str) -> str:
    return "" if math.isnan(row[name]) else f"± {row[f'{name}_std']:.3f} over folds"


def _tests(result: SearchResult, tests: Mapping[str, Any]) -> list[Section]:
    """All figures of a single test; the qualities of each part where there are several."""
    if len(tests) == 1:
        question = result.material.question
        first, *others = question.sections(next(iter(tests.values())))
        return [replace(first, title="Test, on recordings held out"), *others]
    if not tests:
        return []
    text = "Each part was judged once, by what was chosen and trained on the others."
    return [Section("Test", text=text, tables=[_parts("test part", result, tests)])]


def _paper(result: SearchResult, paper: Mapping[str, Any]) -> list[Section]:
    if not paper:
        return []
    text = (
        "The paper's protocol: the whole front was judged on the test part and selected again "
        "there. These figures are optimistic, since the test recordings took part in choosing."
    )
    table = _parts("configuration", result, paper)
    return [Section("Selected again on the test", text=text, tables=[table])]


def _parts(what: str, result: SearchResult, reports: Mapping[str, Any]) -> Table:
    """One row a report."""
    names = _qualities(result)
    rows = [
        (name, report.n_clips, *(getattr(report, quality) for quality in names))
        for name, report in reports.items()
    ]
    return Table((what, "clips", *names), rows)


def _front(result: SearchResult, chosen: Row) -> Section:
    text = "Each point is a configuration, judged on recordings left out of its training."
    _, quality = result.axes
    figures = {
        "One objective against another": result.plot(chosen=chosen["id"]),
        "Quality against bytes and latency": result.plot(
            x="bytes", y=quality, z="latency_ms", chosen=chosen["id"]
        ),
    }
    pictures = [Picture(png_bytes(figure), alt=alt) for alt, figure in figures.items()]
    return Section("Front", text=text, pictures=pictures)


def _table(result: SearchResult, chosen: Row) -> Section:
    rows = result.rows
    short, shared = without_shared(told_apart(rows, result.configurations), "front_end")
    columns = [column for column in rows[0] if column != "id"]
    cells: list[list[Any]] = [[row[column] for column in columns] for row in short]
    marked = [place for place, row in enumerate(rows) if row["id"] == chosen["id"]]
    table = Table([column.replace("_", " ") for column in columns], cells, marked=marked)
    text = f"All with {shared}." if shared else ""
    return Section("All configurations", text, tables=[table], folded=len(rows) > 20)


def _dropped(result: SearchResult) -> list[Section]:
    """What successive halving left behind, and on how much of the recordings."""
    if not result.dropped:
        return []
    columns = ("front_end", "integration", "model", *_qualities(result), "share")
    cells = [[row[column] for column in columns] for row in result.dropped]
    text = "Judged on a share of the recordings and left behind by the better ones."
    return [Section("Dropped on the way", text, tables=[Table(columns, cells)], folded=True)]
