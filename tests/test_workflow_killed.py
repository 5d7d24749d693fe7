"""An execution that is killed at any moment, again and again, ends with the same artifacts."""

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ossicle.workflow.store import Store

PROGRAM = """
    import sys
    from pathlib import Path
    import small_steps as small
    from ossicle.workflow.executor import LocalCluster
    from ossicle.workflow.pipeline import NodeOptions, Pipeline
    from ossicle.workflow.store import Store

    pipeline = Pipeline("killed")
    words = pipeline.add(small.words, "words", file=Path(sys.argv[1]))
    counts = pipeline.add(small.counts, "counts", words=words)
    page = pipeline.add(small.page, "page", counts=counts, title="Sounds")
    sums = [pipeline.add(small.add, f"sum {n}", left=n, pause=0.25) for n in range(6)]
    total = pipeline.add(small.total, "total", values=sums)
    long = pipeline.add(small.go_on, "going on", n=30, pause=0.05)
    array = pipeline.add(small.ramp, "ramp", n=100_000)
    arrays = pipeline.add(small.arrays, "arrays", values=array)
    pipeline.add(small.add, "last", left=total, right=long, pause=0.2)
    pipeline.run(Store(Path(sys.argv[2])), cluster=LocalCluster(2))
"""


def execution(file: Path, store: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(file), str(store)]
    paths = [str(Path(__file__).parent), *filter(None, sys.path)]
    return subprocess.Popen(
        command,
        env={"PYTHONPATH": ":".join(paths), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def contents(root: Path) -> dict[str, str]:
    store = Store(root)
    for artifact in store.list():
        store.verify(artifact)
    return {artifact.key: artifact.content for artifact in store.list()}


@pytest.mark.slow
def test_an_execution_killed_thirty_times_ends_with_the_same_artifacts(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("dog siren dog bell")
    start = time.monotonic()
    with execution(file, tmp_path / "whole") as whole:
        assert whole.wait() == 0
    took = time.monotonic() - start
    draw, kills = random.Random(0), 0
    while kills < 30:
        root = tmp_path / f"killed-{kills // 6}"
        for _ in range(6):
            with execution(file, root) as process:
                time.sleep(draw.uniform(0.05, 0.5 * took))
                process.send_signal(signal.SIGKILL)
                process.wait()
            kills += 1
        with execution(file, root) as last:
            _, errors = last.communicate()
            assert last.returncode == 0, errors.decode()
        assert contents(root) == contents(tmp_path / "whole")
        assert len(contents(root)) == 14


def test_a_killed_execution_leaves_no_process(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("dog")
    with execution(file, tmp_path / "store") as process:
        deadline = time.monotonic() + 20
        while not list((tmp_path / "store").glob("*/manifest.json")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        workers = children_of(process.pid)
        assert workers
        process.send_signal(signal.SIGKILL)
        process.wait()
    end = time.monotonic() + 5
    while alive(workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert alive(workers) == []


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.append(pid)
    return found
