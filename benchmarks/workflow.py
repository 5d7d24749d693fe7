"""What workflows cost: a work, a stored step, and a chain of steps beside Hamilton and joblib.

    python benchmarks/workflow.py [--rounds 7] [--works 10000] [--json FILE]

Works do nothing, so all of their time is ours. A stored step writes so many random bytes; the bare
write puts the same bytes into a file, waits for the disk and renames. The chain has 50 steps, each
adding one, each in a module of its own, so that editing one changes no other; every run is a
process of its own, imports included: cold (nothing kept), warm (everything kept), and with the
body of the 25th step edited. All take turns in one run; medians. Peers that are not installed are
left out and named.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ossicle.workflow import Function, Messages, Pipeline, Store, Workflow, step
from ossicle.workflow.works import Work

N_STEPS, EDITED = 50, 25
SIZES = {"7 kB": 7_000, "100 kB": 100_000, "1 MB": 1_000_000, "10 MB": 10_000_000}
PEERS = {"hamilton": "hamilton", "joblib.Memory": "joblib"}
"""Name and module."""


def seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


# --- works ----------------------------------------------------------------------------------------


def chain(n: int) -> tuple[list[Work], Messages]:
    works = [Function(None_, f"w{i}", f"w{i + 1}" if i + 1 < n else ()) for i in range(n)]
    return works, Messages.of((0, "start", "w0"))


def wide(n: int) -> tuple[list[Work], Messages]:
    works = [Function(None_, f"w{i}", "last") for i in range(n - 1)]
    rows = [(0, "start", f"w{i}") for i in range(n - 1)]
    return [*works, Function(None_, "last")], Messages.of(*rows)


def layered(n: int) -> tuple[list[Work], Messages]:
    side = round(n**0.5)
    works = [
        Function(None_, f"w{layer}.{i}", f"w{layer + 1}.{i}" if layer + 1 < side else ())
        for layer in range(side)
        for i in range(side)
    ]
    return works, Messages.of(*((0, "start", f"w0.{i}") for i in range(side)))


def None_(rows: Messages) -> None:  # noqa: N802
    """Do nothing."""


GRAPHS = {"chain": chain, "wide": wide, "layered": layered}


def time_works(n: int, rounds: int) -> list[dict[str, Any]]:
    flows = {
        (shape, order): (Workflow(works, "bench", order=order), first)
        for shape, make in GRAPHS.items()
        for order in ("list", "ready")
        for works, first in [make(n)]
    }
    times: dict[Any, list[float]] = {key: [] for key in flows}
    for _ in range(rounds):
        for key, (flow, first) in flows.items():
            times[key].append(seconds(lambda flow=flow, first=first: flow(first)))
    return [
        {"graph": shape, "order": order, "us_per_work": 1e6 * statistics.median(each) / n}
        for (shape, order), each in times.items()
    ]


# --- stored steps ---------------------------------------------------------------------------------


@step(name="write bytes", outputs={"bytes": "bytes.bin"})
def write_bytes(number: int, n_bytes: int, *, out: Path) -> None:
    """Write bytes that were drawn before."""
    (out / "bytes.bin").write_bytes(DRAWN[n_bytes])


DRAWN = {n_bytes: os.urandom(n_bytes) for n_bytes in SIZES.values()}


def bare(folder: Path, data: bytes) -> None:
    path = folder / uuid.uuid4().hex
    with path.with_suffix(".new").open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.with_suffix(".new").rename(path)


def kept(store: Store, number: int, data: bytes) -> None:
    key = store.key("bytes", version="1", parameters={"number": number, "n": len(data)})
    with store.writing(
        key, step="bytes", version="1", parameters={"number": number, "n": len(data)}
    ) as out:
        (out / "bytes.bin").write_bytes(data)


def done(store: Store, number: int, n_bytes: int) -> None:
    pipeline = Pipeline("bench")
    pipeline.add(write_bytes, number=number, n_bytes=n_bytes)
    pipeline.run(store)


def time_stored(rounds: int, folder: Path) -> list[dict[str, Any]]:
    rows = []
    (folder / "bare").mkdir()
    store, number = Store(folder / "store"), 0
    for name, n_bytes in SIZES.items():
        times: dict[str, list[float]] = {"bare": [], "kept": [], "done": []}
        for _ in range(8 * rounds):
            number += 1
            data = DRAWN[n_bytes]
            times["bare"].append(seconds(lambda: bare(folder / "bare", data)))  # noqa: B023
            times["kept"].append(seconds(lambda: kept(store, number, data)))  # noqa: B023
            times["done"].append(seconds(lambda: done(store, number, n_bytes)))  # noqa: B023
        medians = {what: 1e3 * statistics.median(each) for what, each in times.items()}
        ratios = {f"{what}_ratio": medians[what] / medians["bare"] for what in ("kept", "done")}
        rows.append({"size": name, **{f"{k}_ms": v for k, v in medians.items()}, **ratios})
    return rows


# --- chains ---------------------------------------------------------------------------------------

OURS = """
import sys
from importlib import import_module
from ossicle.workflow import Pipeline, Store
pipeline, before, done = Pipeline("chain"), 0, []
for i in range({n}):
    before = pipeline.add(import_module(f"ours_{{i}}").add, f"step {{i}}", n=before)
note = lambda event: done.append(event.node) if event.state == "completed" else None
results = pipeline.run(Store("cache-ours"), on_event=note)
print(results.value("step {last}"), len(done))
"""
HAMILTON = """
import os
os.environ["HAMILTON_TELEMETRY_ENABLED"] = "false"
from importlib import import_module
from hamilton import driver
from counting import COUNT
modules = [import_module(f"hamilton_{{i}}") for i in range({n})]
built = driver.Builder().with_modules(*modules).with_cache(path="cache-hamilton").build()
print(built.execute(["step_{last}"], inputs={{"start": 0}})["step_{last}"], len(COUNT))
"""
JOBLIB = """
from importlib import import_module
from joblib import Memory
from counting import COUNT
memory, value = Memory("cache-joblib", verbose=0), 0
for i in range({n}):
    value = memory.cache(import_module(f"joblib_{{i}}").add)(value)
print(value, len(COUNT))
"""
PROGRAMS = {"ossicle": OURS, "hamilton": HAMILTON, "joblib.Memory": JOBLIB}
BODIES: Mapping[str, tuple[str, str]] = {
    "ossicle": (
        "ours_{i}.py",
        "from ossicle.workflow import step\n\n@step(name='step {i}')\n"
        "def add(n: int) -> int:\n    return n + {more}\n",
    ),
    "hamilton": (
        "hamilton_{i}.py",
        "from counting import COUNT\n\ndef step_{i}({before}: int) -> int:\n"
        "    COUNT.append({i})\n    return {before} + {more}\n",
    ),
    "joblib.Memory": (
        "joblib_{i}.py",
        "from counting import COUNT\n\ndef add(n):\n    COUNT.append({i})\n    return n + {more}\n",
    ),
}


def write_step(folder: Path, tool: str, i: int, more: int) -> None:
    name, text = BODIES[tool]
    before = f"step_{i - 1}" if i else "start"
    (folder / name.format(i=i)).write_text(text.format(i=i, more=more, before=before))


def chained(folder: Path, tool: str) -> tuple[float, int, int]:
    """Seconds of the process, the result, and how many steps were done."""
    command = [sys.executable, "-B", f"run_{tool}.py"]
    start = time.perf_counter()
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    took = time.perf_counter() - start
    if made.returncode:
        raise SystemExit(f"{tool} failed:\n{made.stderr[-2000:]}")
    result, n_done = map(int, made.stdout.split()[-2:])
    return took, result, n_done


def round_of(folder: Path, tool: str) -> dict[str, tuple[float, int, int]]:
    write_step(folder, tool, EDITED, 1)
    for cache in folder.glob("cache-*"):
        if cache.name == {"ossicle": "cache-ours", "joblib.Memory": "cache-joblib"}.get(
            tool, "cache-hamilton"
        ):
            shutil.rmtree(cache)
    cold, warm = chained(folder, tool), chained(folder, tool)
    write_step(folder, tool, EDITED, 2)
    return {"cold": cold, "warm": warm, "edited": chained(folder, tool)}


def time_chains(rounds: int, folder: Path) -> list[dict[str, Any]]:
    tools = ["ossicle", *(tool for tool, name in PEERS.items() if importlib.util.find_spec(name))]
    (folder / "counting.py").write_text("COUNT = []\n")
    for tool in tools:
        text = PROGRAMS[tool].format(n=N_STEPS, last=N_STEPS - 1)
        (folder / f"run_{tool}.py").write_text(text)
        for i in range(N_STEPS):
            write_step(folder, tool, i, 1)
    found = [{tool: round_of(folder, tool) for tool in tools} for _ in range(rounds)]
    rows = []
    for tool in tools:
        times = {
            f"{what}_s": statistics.median(each[tool][what][0] for each in found)
            for what in ("cold", "warm", "edited")
        }
        _, result, n_done = found[-1][tool]["edited"]
        rows.append({"tool": tool, **times, "redone": n_done, "right": result == N_STEPS + 1})
    return rows


# --- what is shown --------------------------------------------------------------------------------


def shown(rows: list[dict[str, Any]]) -> str:
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--works", type=int, default=10_000)
    words.add_argument("--folder", type=Path, default=Path(), help="on the disk to be measured")
    words.add_argument("--json", type=Path)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="bench-") as made:
        folder = Path(made).resolve()
        found = {
            "works": time_works(asked.works, asked.rounds),
            "stored steps": time_stored(asked.rounds, folder),
            "a chain of 50 steps": time_chains(asked.rounds, folder),
        }
    for name, rows in found.items():
        print(f"{name}\n{shown(rows)}\n")
    for tool, name in PEERS.items():
        if not importlib.util.find_spec(name):
            print(f"{tool} is not installed and was left out")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
