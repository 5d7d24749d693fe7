"""Trainings that were interrupted, at any moment and in any way, end as if they had not been."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_trainings import bytes_of, tones, trained

from ossicle.errors import TrainingError, WorkflowError
from ossicle.training.run import Run
from ossicle.training.training import open_run
from ossicle.workflow.files import claimed

EPOCHS = {"epochs": 12, "ema": 0.9, "combine": "uncertainty", "augmentation": {"gain": 6.0}}

posix = pytest.mark.skipif(os.name != "posix", reason="needs processes and locks of POSIX")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tones(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> Run:
    """A run that was never interrupted."""
    return trained(data, tmp_path_factory.mktemp("runs") / "whole", **EPOCHS)


class StopError(Exception):
    """The power goes off."""


def stopped_after(epoch: int):
    def stop(record):
        if record["epoch"] == epoch:
            raise StopError

    return stop


def copied(run: Run, path: Path, *, until: int, data) -> Run:
    """The folder of a training that was stopped after an epoch."""
    features = run.path / "features"
    with pytest.raises(StopError):
        trained(data, path, features=features, callbacks=[stopped_after(until)], **EPOCHS)
    return open_run(path)


@posix
def test_two_runs_and_one_killed_three_times_have_the_same_bytes(data, whole, tmp_path):
    out, rng = tmp_path / "killed", np.random.default_rng(0)
    for _ in range(3):
        child = os.fork()
        if child == 0:
            trained(data, out, features=whole.path / "features", **EPOCHS)
            os._exit(0)
        time.sleep(rng.uniform(0.1, 0.8))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert not (out / "best.ossicle").exists()
    assert bytes_of(trained(data, out, **EPOCHS)) == bytes_of(whole)


def test_a_training_goes_on_with_every_part_of_its_state(data, whole, tmp_path):
    stopped = copied(whole, tmp_path / "run", until=7, data=data)
    state = stopped.checkpoints.read(7)["learner"]
    assert set(state) == {"module", "combination", "optimizer", "average", "n_steps"}
    assert len(stopped.history) == 7
    with pytest.raises(StopError):
        trained(data, stopped.path, callbacks=[stopped_after(11)], **EPOCHS)
    epoch = bytes_of(stopped)["checkpoints/epoch-0011.safetensors"]
    assert epoch == bytes_of(whole)["checkpoints/epoch-0011.safetensors"]
    assert stopped.history == whole.history[:11]


def test_another_random_state_of_torch_changes_nothing_and_is_left_as_it_was(data, whole, tmp_path):
    import torch

    torch.manual_seed(77)
    torch.set_num_threads(2)
    before = torch.random.get_rng_state()
    stopped = copied(whole, tmp_path / "run", until=11, data=data)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert stopped.history == whole.history[:11]


@pytest.mark.parametrize("damage", ["torn", "flipped", "json", "gone"])
def test_a_damaged_last_checkpoint_is_warned_of_and_the_one_before_taken(
    data, whole, tmp_path, damage
):
    run = copied(whole, tmp_path / "run", until=6, data=data)
    about, weights = (run.path / f"checkpoints/epoch-0006.{e}" for e in ("json", "safetensors"))
    content = weights.read_bytes()
    if damage == "torn":
        weights.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "json":
        about.write_text(about.read_text().replace('"n_steps": ', '"n_steps": 1'))
    else:
        weights.unlink()
    with pytest.warns(UserWarning, match="epoch-0006.*is damaged.*going on from the one before"):
        assert run.checkpoints.latest()[0] == 5
    with pytest.raises(TrainingError, match="is damaged"):
        run.checkpoints.read(6)
    with pytest.warns(UserWarning, match="is damaged"), pytest.raises(StopError):
        trained(data, run.path, callbacks=[stopped_after(7)], **EPOCHS)
    assert run.history == whole.history[:7]


def test_the_last_two_checkpoints_and_the_best_are_kept(whole):
    assert whole.checkpoints.epochs == tuple(sorted({whole.best_epoch, 11, 12}))
    names = sorted(path.suffix for path in (whole.path / "checkpoints").iterdir())
    assert names == sorted([".json", ".safetensors"] * len(whole.checkpoints.epochs))


@pytest.mark.parametrize("nth", [3, 5, 9, 11, 19])
def test_a_disk_that_is_full_at_any_write_is_told_and_spoils_nothing(
    data, whole, tmp_path, refuse, nth
):
    path = tmp_path / "run"
    refuse("fsync", nth)  # of what was found, the history, the tensors, the rest of a state, ...
    with pytest.raises(WorkflowError, match="No space left on device"):
        copied(whole, path, until=4, data=data)
    assert not list(path.rglob(".*"))
    assert copied(whole, path, until=4, data=data).history == whole.history[:4]


@posix
def test_a_second_training_in_the_same_folder_is_refused(data, whole, tmp_path):
    run = copied(whole, tmp_path / "run", until=1, data=data)
    with claimed(run.path), pytest.raises(WorkflowError, match="is being written by another run"):
        trained(data, run.path, **EPOCHS)


def claim_and_fork(folder: Path, told: int) -> None:
    """Keep a folder until killed, with a child of one's own that lives on."""
    with claimed(folder):
        child = os.fork()
        if child:
            time.sleep(0.5)  # the child lets go of the folder first
            os.write(told, str(child).encode())
        time.sleep(60)


@posix
def test_a_forked_process_that_outlives_its_killed_parent_does_not_keep_the_folder(tmp_path):
    heard, told = os.pipe()
    parent = os.fork()
    if parent == 0:
        claim_and_fork(tmp_path, told)
    child = int(os.read(heard, 20))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    try:
        with claimed(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


KILLED = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from small_trainings import trained
from test_training_resume import EPOCHS
from ossicle.datasets import read_dataset
print(flush=True)
trained(read_dataset(sys.argv[1]), Path(sys.argv[2]), **EPOCHS | {"n_workers": 2, "epochs": 60})
"""


@posix
@pytest.mark.slow
def test_a_training_killed_at_twenty_random_moments_ends_with_the_same_bytes(tmp_path):
    data = tones(tmp_path / "data")
    folder, rng, n_cut = tmp_path / "killed", np.random.default_rng(1), 0
    words = [sys.executable, "-c", KILLED, str(tmp_path / "data"), str(folder)]
    for _ in range(20):
        with subprocess.Popen(
            [*words, str(Path(__file__).parent)], stdout=subprocess.PIPE, start_new_session=True
        ) as process:
            process.stdout.readline()
            time.sleep(rng.uniform(0.0, 2.5))
            n_cut += process.poll() is None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if (folder / "best.ossicle").exists():
            shutil.rmtree(folder)
    assert n_cut >= 10
    settings = EPOCHS | {"epochs": 60}
    whole = trained(data, tmp_path / "whole", **settings)
    assert bytes_of(trained(data, folder, **settings)) == bytes_of(whole)
