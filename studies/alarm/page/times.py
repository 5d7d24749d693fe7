"""Part 4 in words: wall seconds over one and two processes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from studies.alarm.page.markdown import made_by, table, times

__all__ = ["times_section"]


def times_section(found: Mapping[str, Any]) -> tuple[str, str]:
    """The section, and its finding in one sentence."""
    medians = {
        step: [float(np.median(values)) for values in taken.values()]
        for step, taken in found["seconds"].items()
    }
    n_rounds = len(next(iter(found["seconds"]["mixing"].values())))
    one, two = medians["whole search"]
    finding = (
        f"the whole search takes {one:.1f} s in one process and {two:.1f} s in two, "
        f"{one / two:.2f} times as fast; mixing {_gain(medians['mixing'])}, features "
        f"{_gain(medians['features'])}, leave-k-out {_gain(medians['leave-k-out'])}."
    )
    rows = [
        [step, f"{one:.2f}", f"{two:.2f}", f"{one / two:.2f}×"]
        for step, (one, two) in medians.items()
    ]
    paragraphs = [
        "## 4. Run time over one and two processes",
        made_by("times"),
        f"Wall seconds for {found['n_mixes']} mixes and {found['n_configurations']} configurations "
        f"(the part of the grid on the paper's features) on {found['n_cores']} CPU cores, measured "
        f"{times(n_rounds)} by turns, medians. Every step begins in empty folders. "
        "*Leave-k-out* begins with the features there and includes measuring what every "
        "configuration costs; the *whole search* describes the mixes too. A small round, "
        "not measured, goes before each and starts the processes. These figures, and the latencies "
        "above, are the only ones that differ from run to run.",
        table(["step", "1 process (s)", "2 processes (s)", "speed-up"], rows),
        f"**Found:** {finding}",
    ]
    return "\n\n".join(paragraphs), finding


def _gain(medians: list[float]) -> str:
    return f"{medians[0] / medians[1]:.2f}×"
