"""Part 3 in words: how much is learnt from how much."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studies.alarm.learning import FIXED_FPR
from studies.alarm.page.markdown import made_by, rate, table
from studies.alarm.page.pictures import Curve, draw_curves

__all__ = ["curve_section"]

FIGURES = {"auc": "AUC", "tpr": "TPR", "fpr": "FPR", "tpr_at_fpr": f"TPR at FPR ≤ {FIXED_FPR:g}"}

Draws = Sequence[Mapping[str, Any]]


def curve_section(found: Mapping[str, Any], out: Path) -> tuple[str, str]:
    """The section, and its finding in one sentence."""
    by_mixes, by_sources = found["by_mixes"], found["by_sources"]
    n_fixed = _fixed(by_sources)
    panels = [
        ("Training mixes", _curves(by_mixes, "n")),
        (f"Alarm recordings, {n_fixed} mixes in any case", _curves(by_sources, "n_sources")),
    ]
    draw_curves(out / "alarm-study-curve.png", panels)
    finding = _finding(by_mixes, by_sources)
    paragraphs = [
        "## 3. How many mixes, how many recordings?",
        made_by("curve"),
        "The chosen configuration, trained on fewer of the training mixes (pairs of one with and "
        "one without an alarm, drawn at random) and judged on all test mixes. All of them are one "
        "set, so the last row has no spread; ± is the standard deviation over the draws.",
        _table(by_mixes, "n", "training mixes"),
        f"The same with {n_fixed} mixes each time, whose alarms come from fewer or more "
        "recordings:",
        _table(by_sources, "n_sources", "alarm recordings"),
        "![Learning curves](alarm-study-curve.png)",
        f"**Found:** {finding}",
    ]
    return "\n\n".join(paragraphs), finding


def _fixed(draws: Draws) -> str:
    """How many mixes the draws hold; few recordings may give too few."""
    least, most = min(draw["n"] for draw in draws), max(draw["n"] for draw in draws)
    return str(most) if least == most else f"{least} to {most}"


def _curves(draws: Draws, across: str) -> dict[str, Curve]:
    return {said: _values(draws, across, column) for column, said in FIGURES.items()}


def _values(draws: Draws, across: str, column: str) -> dict[float, list[float]]:
    sizes = sorted({draw[across] for draw in draws})
    return {size: [d[column] for d in draws if d[across] == size] for size in sizes}


def _table(draws: Draws, across: str, said: str) -> str:
    values = {column: _values(draws, across, column) for column in FIGURES}
    rows = [
        [size, len(values["auc"][size]), *(_spread(values[column][size]) for column in FIGURES)]
        for size in values["auc"]
    ]
    return table([said, "draws", *FIGURES.values()], rows)


def _spread(values: Sequence[float]) -> str:
    mean = rate(float(np.mean(values)))
    return f"{mean} ± {rate(float(np.std(values)))}" if len(values) > 1 else mean


def _finding(by_mixes: Draws, by_sources: Draws) -> str:
    mixes, sources = _means(by_mixes, "n"), _means(by_sources, "n_sources")
    (least, first), (half, middle), (most, last) = mixes[0], mixes[-2], mixes[-1]
    (few, poor), (many, rich) = sources[0], sources[-1]
    still = "still rises" if last - middle > 0.005 else "hardly rises any more"
    more = (
        "count as well"
        if rich - poor > _luck(by_sources)
        else "matter less than the luck of the draw"
    )
    return (
        f"from {least} to {most} mixes the AUC goes from {first:.3f} to {last:.3f}, and between "
        f"the last two sizes ({half} and {most}) it {still}; recordings {more}: with equally many "
        f"mixes, {few} alarm recordings give {poor:.3f} and {many} give {rich:.3f}."
    )


def _luck(draws: Draws) -> float:
    """Twice the standard error of the difference between the first and the last size."""
    values = list(_values(draws, "n_sources", "auc").values())
    return 2.0 * float(np.sqrt(sum(np.var(v) / len(v) for v in (values[0], values[-1]))))


def _means(draws: Draws, across: str) -> list[tuple[int, float]]:
    return [(int(n), float(np.mean(v))) for n, v in _values(draws, across, "auc").items()]
