"""Part 1 in words: the front, the choice on new sounds, and by ratio and sound."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.evaluation import accuracy, auc, grouped_bootstrap
from studies.alarm.page.intervals import Share, share
from studies.alarm.page.markdown import (
    decibels,
    listed,
    made_by,
    name,
    percent,
    rate,
    signed,
    table,
    within,
)
from studies.alarm.page.pictures import draw_front, draw_snr
from studies.alarm.settings import ALARMS, KINDS, ROOMS, SNRS, Settings

__all__ = ["Detection", "detection_section"]

RIVALS = {
    "papers": "best of the paper's features and integrations",
    "features": "best of the paper's features, any integration",
}
"""Rows that are judged beside the chosen one."""

NEAR = 0.01
"""Rates nearer than this are called alike."""


class Detection:
    """What part 1 measured, with its test figures."""

    def __init__(self, found: Mapping[str, Any], settings: Settings) -> None:
        self.found = found
        self.rows: dict[str, Mapping[str, Any]] = {row["id"]: row for row in found["rows"]}
        self.chosen, self.papers = self.rows[found["chosen"]], self.rows[found["papers"]]
        self.n_resamples = settings.n_resamples
        test = found["test"]
        self.positives = np.array(test["positives"])
        self.groups = np.array(test["groups"])
        self.columns = {key: np.array(test[key]) for key in test.keys() - {"positives", "groups"}}

    def said(self, one: str) -> Any:
        """Mixes to which a configuration said alarm, from its estimator."""
        return np.array(self.found["answers"][one]) >= 0

    @property
    def shipped(self) -> Any:
        """Mixes to which the chosen classifier, as it ships, said alarm."""
        return np.array(self.found["judged"]["said"])

    def share(self, where: Any, said: Any = None) -> Share:
        """How often an alarm was said in some mixes, by default by the chosen one."""
        answers = self.shipped if said is None else said
        return share(answers, self.groups, where, n_resamples=self.n_resamples)

    def where(self, column: str, value: str) -> Any:
        """Mixes that hold a value."""
        return self.columns[column] == value

    def rates(self, said: Any) -> tuple[float, float]:
        """TPR and FPR."""
        return float(said[self.positives].mean()), float(said[~self.positives].mean())

    def gain(self) -> tuple[float, Any]:
        """How much more accurate the choice is than the paper's features, with its interval."""
        right = (self.said(self.found[one]) == self.positives for one in ("chosen", "papers"))
        gains = np.subtract(*(each.astype(float) for each in right))
        interval = grouped_bootstrap(
            lambda at: float(gains[at].mean()), self.groups, n_resamples=self.n_resamples
        )
        return float(gains.mean()), interval


def detection_section(found: Mapping[str, Any], out: Path, settings: Settings) -> tuple[str, str]:
    """The section, and its finding in one sentence."""
    part = Detection(found, settings)
    named = [{**row, "front_end": _described(row)} for row in found["rows"]]
    draw_front(out / "alarm-study-front.png", found, named)
    draw_snr(
        out / "alarm-study-snr.png",
        _by_ratio(part, part.positives),
        _by_ratio(part, ~part.positives),
        {at: part.share(_at(part, at) & part.positives, part.said(found["papers"])).value
         for at in SNRS},
    )  # fmt: skip
    finding = _finding(part)
    paragraphs = [
        "## 1. Alarm or not: the paper's search, judged on sounds it never met",
        made_by("detection"),
        _opening(part),
        "### The front (leave-k-out on the training mixes)",
        _front(part),
        "![All configurations, the front and the choice](alarm-study-front.png)",
        _after_front(part),
        "### The choice on the test mixes",
        _choice(part),
        _against_papers(part),
        "### By signal-to-noise ratio",
        _ratios(part),
        "![TPR and FPR by signal-to-noise ratio](alarm-study-snr.png)",
        _about_ratios(part),
        "### By sound and by place",
        _sounds(part),
        f"**Found:** {finding}",
    ]
    return "\n\n".join(paragraphs), finding


def _opening(part: Detection) -> str:
    found = part.found
    methods = listed(sorted({row["model"].split(" ")[0] for row in found["rows"]}))
    fronts = listed(sorted({row["front_end"].split(" ")[0] for row in found["rows"]}))
    return (
        f"{len(found['rows'])} configurations ({methods}; front ends {fronts}) are judged by "
        f"leave-k-out over {found['n_folds']} folds of {found['train']['n']} training mixes of "
        f"{found['train']['n_groups']} source groups. `short_term` are the paper's 34 features. "
        "Selection keeps those that no other beats in both rates (the paper's PSEL). The choice "
        "has the highest TPR − FPR (Youden) in leave-k-out, and is then judged once, as the "
        "bundle that ships, on test mixes of other recordings. The paper selects a second time on "
        "the test set; here the test columns of the table are only shown."
    )


def _described(row: Mapping[str, Any]) -> str:
    """The front end with the length of its frames, where it is not its default."""
    front, *settings = row["front_end"].split(" ")
    return " ".join([front, *(each for each in settings if each.startswith("n_fft="))])


def _front(part: Detection) -> str:
    header = ["method", "front end", "integration", "FPR", "TPR", "accuracy", "kB", "ms",
              "test FPR", "test TPR"]  # fmt: skip
    ids = sorted(part.found["front"], key=lambda one: (part.rows[one]["fpr"], one))
    extra = dict.fromkeys(part.found[key] for key in RIVALS if part.found[key] not in ids)
    return table(header, [_row(part, one) for one in [*ids, *extra]], words=3)


def _row(part: Detection, one: str) -> list[str]:
    row = part.rows[one]
    tpr, fpr = part.rates(part.said(one))
    marks = [text for key, text in _MARKS.items() if part.found[key] == one]
    method = " ".join([row["model"], *marks])
    spread = [f"{rate(row[key])} ± {rate(row[key + '_std'])}" for key in ("fpr", "tpr", "accuracy")]
    cost = [f"{row['bytes'] / 1000:.0f}", f"{row['latency_ms']:.1f}"]
    return [method, _described(row), row["integration"], *spread, *cost, rate(fpr), rate(tpr)]


_MARKS = {
    "chosen": "**(chosen)**",
    "papers": "*(best of the paper's features and integrations)*",
    "features": "*(best of the paper's features)*",
}


def _after_front(part: Detection) -> str:
    settings = part.chosen["front_end"].partition(" ")[2] or "its defaults"
    return (
        "± is the standard deviation over the folds; kB the whole bundle; ms the time to describe "
        "and answer one window of 5 s on one core, measured here. Configurations that tie on both "
        f"rates are all listed. The chosen front end's settings: {settings}. {_second(part)}"
    )


def _second(part: Detection) -> str:
    """What the paper's second selection would have reported."""
    rates = {one: part.rates(part.said(one)) for one in part.found["front"]}
    best = max(rates, key=lambda one: (rates[one][0] - rates[one][1], one))
    tpr, fpr = rates[best]
    if best == part.found["chosen"]:
        return "A second selection on the test mixes, as in the paper, would have chosen the same."
    mine = np.subtract(*part.rates(part.said(part.found["chosen"])))
    return (
        "A second selection on the test mixes, as in the paper, would have reported a TPR of "
        f"{rate(tpr)} at an FPR of {rate(fpr)}: a TPR − FPR {rate(tpr - fpr - mine)} above that of "
        "the choice, which is optimism and no skill."
    )


def _choice(part: Detection) -> str:
    rows = []
    judged = {part.found["chosen"]: ("chosen", part.shipped)}
    for key, said in RIVALS.items():
        judged.setdefault(part.found[key], (said, part.said(part.found[key])))
    for one, (said, answers) in judged.items():
        tpr, fpr = part.share(part.positives, answers), part.share(~part.positives, answers)
        row, area = part.rows[one], auc(part.positives, np.array(part.found["answers"][one]))
        right = accuracy(part.positives.astype(int), answers.astype(int))
        rows += [
            [said, "TPR", rate(row["tpr"]), rate(tpr.value), within(tpr.grouped),
             within(tpr.wilson)],
            [said, "FPR", rate(row["fpr"]), rate(fpr.value), within(fpr.grouped),
             within(fpr.wilson)],
            [said, "accuracy", rate(row["accuracy"]), rate(right), "", ""],
            [said, "AUC", "", rate(area), "", ""],
        ]  # fmt: skip
    header = ["", "figure", "leave-k-out", "test", "95 %, over recordings", "95 %, Wilson"]
    n_groups = len(np.unique(part.groups))
    equal = int((part.shipped == part.said(part.found["chosen"])).sum())
    return (
        table(header, rows, words=2)
        + f"\n\n{len(part.positives)} test mixes of {n_groups} source groups. Intervals over "
        "recordings draw whole source recordings anew; Wilson's counts mixes as independent, "
        "which they are not. The network in the bundle and the estimator it was written from "
        f"agree on {equal} of {len(part.positives)} mixes."
    )


def _against_papers(part: Detection) -> str:
    if part.found["chosen"] == part.found["papers"]:
        return "The choice is itself one of the paper's features and integrations."
    gain, interval = part.gain()
    sure = interval.known and (interval.low > 0 or interval.high < 0)
    beyond = "more than chance" if sure else "which may be chance"
    return (
        "The paper's integrations are the mean, the mean with the variance, and all frames in a "
        "row (stack). Against the best of its features and integrations the choice's accuracy on "
        f"the test mixes differs by {signed(gain)} ({within(interval, sign=True)} over "
        f"recordings): {beyond}."
    )


def _at(part: Detection, snr: float) -> Any:
    return part.where("snr", f"{snr:.2f}")


def _by_ratio(part: Detection, side: Any) -> dict[float, Share]:
    return {at: part.share(_at(part, at) & side) for at in SNRS}


def _ratios(part: Detection) -> str:
    heard, false = _by_ratio(part, part.positives), _by_ratio(part, ~part.positives)
    rows = [[f"{decibels(at)} dB", *_cells(heard[at]), *_cells(false[at])] for at in SNRS]
    alone = part.share(part.where("snr", "") & ~part.positives)
    rows.append(["background alone", "", "", "", "", *_cells(alone)])
    header = ["ratio", "TPR", "over recordings", "Wilson", "n", "FPR", "over recordings",
              "Wilson", "n"]  # fmt: skip
    return table(header, rows)


def _cells(found: Share) -> list[str]:
    return [rate(found.value), within(found.grouped), within(found.wilson), str(found.n)]


def _about_ratios(part: Detection) -> str:
    return (
        "The ratio is that of the alarm in mixes that hold one, and that of the other sound in "
        "mixes that hold none: at 20 dB a dog or a baby is as far above the background as an "
        'alarm is. "Not known" stands where every draw of recordings gives the same figure.'
    )


def _sounds(part: Detection) -> str:
    alarms = [[name(each), *_cells(part.share(part.where("alarm", each)))] for each in ALARMS]
    others = sorted(set(part.columns["significant"]) - {""})
    fooling = [
        (part.share(part.where("significant", each) & ~part.positives), each) for each in others
    ]
    fooling.sort(key=lambda pair: (-pair[0].value, pair[1]))
    false = [[name(each), *_cells(found)] for found, each in fooling]
    places = [
        [
            name(each),
            *_cells(part.share(part.where("background", each) & part.positives)),
            *_cells(part.share(part.where("background", each) & ~part.positives)),
        ]
        for each in (*ROOMS, *KINDS)
    ]
    columns = ["over recordings", "Wilson", "n"]
    return "\n\n".join(
        [
            table(["alarm", "TPR", *columns], alarms),
            table(["other sound, no alarm", "FPR", *columns], false),
            table(["place", "TPR", *columns, "FPR", *columns], places),
        ]
    )


def _finding(part: Detection) -> str:
    tpr, fpr = part.share(part.positives), part.share(~part.positives)
    quiet, loud = (part.share(_at(part, at) & part.positives).value for at in (SNRS[0], SNRS[-1]))
    gap = (part.chosen["tpr"] - part.chosen["fpr"]) - (tpr.value - fpr.value)
    papers_tpr, papers_fpr = part.rates(part.said(part.found["papers"]))
    return (
        f"on sounds it never met the choice ({part.chosen['model']} on "
        f"{part.chosen['front_end'].split(' ')[0]}) hears {percent(tpr.value)} of the alarms "
        f"({percent(quiet)} at −5 dB, {percent(loud)} at 20 dB) and raises a false one in "
        f"{percent(fpr.value)} of the mixes without, {_fooled(part)}; {_promise(gap)}; the best of "
        f"the paper's own features and integrations reaches {percent(papers_tpr)} and "
        f"{percent(papers_fpr)}."
    )


def _fooled(part: Detection) -> str:
    """The fewest other sounds over which half of the false alarms are raised."""
    false = part.columns["significant"][part.shipped & ~part.positives]
    names, counts = np.unique(false, return_counts=True)
    order = np.lexsort((names, -counts))
    n_half = int(np.searchsorted(np.cumsum(counts[order]), len(false) / 2)) + 1
    said = [name(str(each)) or "the background alone" for each in names[order][:n_half]]
    return f"{counts[order][:n_half].sum()} of these {len(false)} over {listed(said)}"


def _promise(gap: float) -> str:
    if abs(gap) < NEAR:
        return "leave-k-out had promised as much"
    side = "more" if gap > 0 else "less"
    height = "higher" if gap > 0 else "lower"
    return f"leave-k-out had promised {side} (TPR − FPR {height} by {abs(gap):.3f})"
