"""The HTML page of a search: the choice, the front, the table, and the figures on the test part."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ossicle.evaluation import Report
from ossicle.evaluation.html import Picture, Section, Table, write_html
from ossicle.evaluation.plots import png_bytes
from ossicle.evaluation.sections import made_by, report_sections
from ossicle.selection import SearchResult
from ossicle.selection.table import Row, without_shared

__all__ = ["write_search_report"]


def write_search_report(
    path: Path,
    result: SearchResult,
    *,
    chosen: Row,
    tests: Mapping[str, Report],
    paper: Mapping[str, Report] | None = None,
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
        *_tests(tests),
        *_paper(paper or {}),
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
            *((name, f"{row[name]:.3f}", _spread(row, name)) for name in _qualities(result)),
            ("bundle", f"{row['bytes'] / 1024:.0f} KiB", "one file"),
            ("latency", f"{row['latency_ms']:.2f} ms", "features and network, one window"),
            ("multiply-adds", f"{row['multiply_adds'] / 1e6:.2f} M", "a window"),
        ],
    )


def _qualities(result: SearchResult) -> tuple[str, ...]:
    return result.material.question.qualities


def _spread(row: Row, name: str) -> str:
    return f"± {row[f'{name}_std']:.3f} over folds"


def _tests(tests: Mapping[str, Report]) -> list[Section]:
    """All figures of a single test; accuracy a fold where there are several."""
    if len(tests) == 1:
        first, *others = report_sections(next(iter(tests.values())))
        return [replace(first, title="Test, on recordings held out"), *others]
    if not tests:
        return []
    rows = [
        (name, report.n_clips, report.accuracy, report.tpr, report.fpr)
        for name, report in tests.items()
    ]
    text = "Each part was judged once, by what was chosen and trained on the others."
    columns = ("test part", "clips", "accuracy", "TPR", "FPR")
    return [Section("Test", text=text, tables=[Table(columns, rows)])]


def _paper(paper: Mapping[str, Report]) -> list[Section]:
    if not paper:
        return []
    text = (
        "The paper's protocol: the whole front was judged on the test part and selected again "
        "there. These figures are optimistic, since the test recordings took part in choosing."
    )
    rows = [(name, r.accuracy, r.tpr, r.fpr) for name, r in paper.items()]
    columns = ("configuration", "accuracy", "TPR", "FPR")
    return [Section("Selected again on the test", text=text, tables=[Table(columns, rows)])]


def _front(result: SearchResult, chosen: Row) -> Section:
    figure = result.plot(chosen=chosen["id"])
    text = "Each point is a configuration, judged on recordings left out of its training."
    picture = Picture(png_bytes(figure), alt="True against false positive rate of the search")
    return Section("Front", text=text, pictures=[picture])


def _table(result: SearchResult, chosen: Row) -> Section:
    rows = result.rows
    short, shared = without_shared(rows, "front_end")
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
