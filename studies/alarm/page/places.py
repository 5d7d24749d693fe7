"""Part 2 in words: own background against generic background."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.evaluation import Interval
from studies.alarm import learning
from studies.alarm.learning import FIXED_FPR, alarm_figures
from studies.alarm.page.intervals import difference
from studies.alarm.page.markdown import made_by, name, rate, signed, table, times, within
from studies.alarm.page.pictures import draw_places
from studies.alarm.places import TRAININGS
from studies.alarm.settings import KINDS, ROOMS, Settings

__all__ = ["places_section"]

AT_FIXED = f"TPR at FPR ≤ {FIXED_FPR:g}"
FIGURES = {"tpr": "TPR", "fpr": "FPR", "auc": "AUC", "tpr_at_fpr": AT_FIXED}
SETS = {"the four rooms": ROOMS, "the four kinds": KINDS, "all eight": (*ROOMS, *KINDS)}
LOWER_IS_BETTER = ("fpr",)

Gain = tuple[float, Interval, Interval]


def places_section(found: Mapping[str, Any], out: Path, settings: Settings) -> tuple[str, str]:
    """The section, and its finding in one sentence."""
    rows = [_row(each, found[each]) for each in (*ROOMS, *KINDS)]
    shown = {column: said for column, said in FIGURES.items() if column != "auc"}
    draw_places(out / "alarm-study-places.png", rows, shown)
    gains = {
        (said, column): _gain(found, names, column, "own", "generic", settings)
        for said, names in SETS.items()
        for column in FIGURES
    }
    joint = {c: _gain(found, SETS["all eight"], c, "both", "generic", settings) for c in FIGURES}
    finding = _finding(gains)
    paragraphs = [
        "## 2. The place's own background, or any background?",
        made_by("places"),
        _opening(settings),
        _table(rows),
        "![Figures of each place by training](alarm-study-places.png)",
        "Own minus generic, mix by mix the same sounds, mean over the places. One interval draws "
        "source recordings anew, in all places at once, the other draws places: of four places it "
        "says little more than whether they agree.",
        _differences(gains),
        "Both together minus generic, over all eight places: "
        + "; ".join(f"{FIGURES[c]} {signed(gain[0])} ({within(gain[1], sign=True)} over "
                    "recordings)" for c, gain in joint.items()) + ".",
        f"**Found:** {finding}",
    ]  # fmt: skip
    return "\n\n".join(paragraphs), finding


def _opening(settings: Settings) -> str:
    return (
        "The paper's thesis is that a device should learn with the background of the very place "
        "where it stands. The configuration chosen in part 1 is kept fixed and trained, for each "
        f"of eight places, on three sets of {settings.n_place_train} mixes: with the place's "
        "**own** background, with the **generic** backgrounds of the seven other places by turns, "
        "and with **both**, half and half. Mix by mix the three sets hold the same alarms and "
        "other sounds, cut at the same points and at the same ratios; only what lies under them "
        f"differs. Each is asked about the same {settings.n_place_test} mixes of held-out "
        "background of that place and held-out alarms and other sounds. All this is done "
        f"{times(settings.n_place_draws)}, each time with mixes drawn anew; the figures are "
        "means.\n\n"
        "*Rooms* are one recording each: its beginning trains, its end tests, as in the paper, "
        "the very room at another time. *Kinds* are ESC-50 labels: the same kind of background "
        "from other recordings, which is less than the paper asks for. "
        f'"{AT_FIXED}" takes for each training and place the threshold that lets through at '
        "most that share of that place's test mixes without an alarm: it compares how well the "
        "sounds are told apart, whatever the threshold, and is not what a user would get untuned."
    )


def _row(place: str, draws: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    figures = {
        how: [alarm_figures(draw["positives"], draw["answers"][how]) for draw in draws]
        for how in TRAININGS
    }
    means = {
        how: {column: float(np.mean([each[column] for each in found])) for column in FIGURES}
        for how, found in figures.items()
    }
    return {"place": place, **means}


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    header = ["own / generic / both", *FIGURES.values()]
    lines = [[name(row["place"]), *(_three([row], column) for column in FIGURES)] for row in rows]
    for said, names in SETS.items():
        kept = [row for row in rows if row["place"] in names]
        lines.append([f"**mean of {said}**", *(_three(kept, column) for column in FIGURES)])
    return table(header, lines)


def _three(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    means = (float(np.mean([row[how][column] for row in rows])) for how in TRAININGS)
    return " / ".join(map(rate, means))


def _gain(
    found: Mapping[str, Any],
    names: Sequence[str],
    column: str,
    one: str,
    other: str,
    settings: Settings,
) -> Gain:
    tests = [(each, draw) for each in names for draw in found[each]]
    kept = [draw for _, draw in tests]
    return difference(
        learning.FIGURES[column],
        [np.array(each["positives"]) for each in kept],
        [np.array(each["answers"][one]) for each in kept],
        [np.array(each["answers"][other]) for each in kept],
        [each["groups"] for each in kept],
        [each for each, _ in tests],
        n_resamples=settings.n_resamples,
    )


def _differences(gains: Mapping[tuple[str, str], Gain]) -> str:
    header = ["places", "figure", "own − generic", "95 %, over recordings", "95 %, over places"]
    rows = [
        [places, FIGURES[column], signed(gain[0]), *(within(each, sign=True) for each in gain[1:])]
        for (places, column), gain in gains.items()
    ]
    return table(header, rows, words=2)


def _verdict(gain: Gain, column: str) -> str:
    """What a difference with its two intervals lets one say."""
    value, *intervals = gain
    sure = [each.known and (each.low > 0 or each.high < 0) for each in intervals]
    better = (value > 0) != (column in LOWER_IS_BETTER)
    word = "better" if better else "worse"
    if all(sure):
        return f"{word} beyond chance"
    if any(sure):
        return f"{word}, but sure only over {'recordings' if sure[0] else 'places'}"
    return f"{word} by what may be chance"


def _finding(gains: Mapping[tuple[str, str], Gain]) -> str:
    rooms = {column: gains["the four rooms", column] for column in FIGURES}
    kinds = {column: gains["the four kinds", column] for column in FIGURES}
    return (
        f"{_thesis(rooms['auc'], rooms['tpr_at_fpr'])} In the very room, its own background "
        f"instead of generic ones changes, as decided, the TPR by {_said(rooms, 'tpr')} and the "
        f"FPR by {_said(rooms, 'fpr')}; with the threshold set for an FPR of at most "
        f"{FIXED_FPR:g} the TPR by {_said(rooms, 'tpr_at_fpr')}; and the AUC by "
        f"{_said(rooms, 'auc')}. With the same kind of background from other recordings the AUC "
        f"changes by {_said(kinds, 'auc')}, the TPR at that FPR by {_said(kinds, 'tpr_at_fpr')}."
    )


def _said(gains: Mapping[str, Gain], column: str) -> str:
    return f"{signed(gains[column][0])} ({_verdict(gains[column], column)})"


def _thesis(area: Gain, fixed: Gain) -> str:
    words = [_verdict(area, "auc"), _verdict(fixed, "tpr_at_fpr")]
    if all(word == "better beyond chance" for word in words):
        return "the thesis holds here."
    if "worse beyond chance" in words and "better beyond chance" not in words:
        return "the thesis does not hold here."
    if any(word == "better beyond chance" for word in words):
        return "the thesis holds in part."
    return "the thesis could not be shown here."
