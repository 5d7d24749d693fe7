"""What goes wrong in a training is told in words, and what was kept before stays."""

import gc
import multiprocessing
import os
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_trainings import tones, trained
from torch import nn

from ossicle.datasets import Dataset
from ossicle.errors import FeatureError, ModelError, TrainingError, WorkflowError
from ossicle.features import LogMel
from ossicle.training.training import open_run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tones(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def features(data, tmp_path_factory):
    """A store that holds the sounds already."""
    root = tmp_path_factory.mktemp("features")
    with pytest.raises(StopError):
        trained(data, root / "run", features=root, callbacks=[stop])
    return root


class StopError(Exception):
    """Enough was seen."""


def stop(record):
    raise StopError


# --- losses ---------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_stops_and_the_batch_is_saved(data, features, tmp_path):
    exploding = {"optimizer": "sgd", "learning_rate": 1e3, "weight_decay": 1e3, "warmup": 0.0}
    with pytest.raises(TrainingError) as caught:
        trained(data, tmp_path / "run", features=features, max_gradient_norm=None, **exploding)
    told = str(caught.value)
    assert "the loss of task 'label' is nan" in told or "is inf" in told
    (saved,) = (tmp_path / "run").glob("not-finite-epoch-*-batch-*.npz")
    assert str(saved) in told
    with np.load(saved, allow_pickle=False) as batch:
        assert len(batch["clips"]) == len(batch["features"]) == len(batch["targets label"])
        assert batch["clips"][0] in told


def test_a_validation_loss_that_is_no_number_names_the_task(data, features, tmp_path):
    with pytest.raises(TrainingError, match=r"validation loss of task 'label' is (nan|inf)"):
        trained(
            data,
            tmp_path / "run",
            features=features,
            optimizer="sgd",
            learning_rate=1e3,
            weight_decay=1e3,
            warmup=0.0,
            batch_size=9,
            max_gradient_norm=None,
            model=_Exploding,
        )


class _Exploding(nn.Module):
    """Is infinitely sure as soon as it is judged."""

    def __init__(self, n_frames: int, n_bands: int, n_outputs: tuple[int, ...]) -> None:
        super().__init__()
        self.linear = nn.Linear(n_frames * n_bands, n_outputs[0])

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor]:
        logits = self.linear(features.flatten(1))
        is_silence = features.abs().sum() == 0
        return (logits if self.training or is_silence else logits * torch.inf,)


# --- labels and shapes ----------------------------------------------------------------------------


def test_a_label_without_a_training_clip_is_named_before_the_work(data, tmp_path):
    high = data.where(label="high").clips
    one_sided = replace(data, clips=high)
    with pytest.raises(TrainingError, match="label 'low' of task 'label' has no training clip"):
        trained(one_sided, tmp_path / "run", validation=data)
    assert not (tmp_path / "run").exists()


def test_a_label_whose_clips_are_all_quiet_is_named_with_what_to_do(data, tmp_path):
    from ossicle.audio import write_audio
    from ossicle.types import Clip, Recording

    silent = []
    for take in range(4):
        path = tmp_path / f"still_{take}.wav"
        write_audio(path, np.zeros(4_000, np.float32), 8_000)
        silent.append(Clip(Recording(path), labels={"label": "low"}))
    clips = (*data.where(label="high").clips, *silent)
    with pytest.raises(TrainingError, match="label 'low' of task 'label' has no training clip"):
        trained(replace(data, clips=clips), tmp_path / "run", validation=data)


def test_clips_that_are_all_needed_to_train_on_leave_none_to_validate_on(data, tmp_path):
    one_each = data.at_most(1)
    with pytest.raises(TrainingError, match="no clip is left to validate on: each of 2 is needed"):
        trained(one_each, tmp_path / "run")


def test_a_task_that_no_validation_clip_answers_is_named(data, tmp_path):
    half = data.subset(range(len(data) - 4))
    rest = data.subset(range(len(data) - 4, len(data)))
    bare = Dataset(tuple(replace(clip, labels={}) for clip in rest.clips), data.tasks, name="bare")
    with pytest.raises(TrainingError, match="no clip of the validation part answers 'label'"):
        trained(half, tmp_path / "run", validation=bare)


def test_a_module_whose_answers_have_another_shape_is_refused(data, features, tmp_path):
    def narrow(n_frames, n_bands, n_outputs):
        return nn.Sequential(nn.Flatten(), nn.Linear(n_frames * n_bands, 7))

    with pytest.raises(ModelError, match="the network returns a Tensor; wanted is a tuple"):
        trained(data, tmp_path / "run", features=features, model=narrow)


def test_a_gpu_that_is_not_there_is_not_used_in_silence(data, features, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TrainingError, match="device is 'cuda', and this torch finds no GPU"):
        trained(data, tmp_path / "run", features=features, device="cuda")


# --- processes, stores, disks ---------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_killed_loader_is_told_and_the_last_checkpoint_is_intact(data, features, tmp_path):
    def kill(stage: str, done: int, total: int) -> None:
        if stage == "training" and done == 18:  # the first batch of the second epoch
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)

    large = LogMel(sample_rate=8_000, n_fft=256, hop_length=16, n_mels=40)  # few can wait
    settings = {"features": features, "batch_size": 1, "n_workers": 1, "front_end": large}
    with pytest.raises(TrainingError, match=r"process that makes batches was lost.*can be resumed"):
        trained(data, tmp_path / "run", progress=kill, **settings)
    run = open_run(tmp_path / "run")
    assert run.checkpoints.epochs == (1,)
    assert run.checkpoints.read(1)["standing"]["epoch"] == 1


def test_a_store_that_was_damaged_between_two_epochs_is_told(data, tmp_path):
    """The samples are read from the disk, where something overwrites them."""
    store = tmp_path / "store"

    def overwrite(record):
        for path in store.rglob("*.h5"):
            with path.open("r+b") as file:
                file.seek(path.stat().st_size // 3)
                file.write(os.urandom(path.stat().st_size // 2))

    settings = {"features": store, "in_memory": False, "n_workers": 1}
    with pytest.raises(FeatureError, match="damaged"):
        trained(data, tmp_path / "run", callbacks=[overwrite], **settings)
    gc.collect()  # closes the files, which HDF5 would not read again
    run = open_run(tmp_path / "run")
    assert run.checkpoints.latest()[0] == run.history[-1]["epoch"] == 1
    with pytest.raises(StopError):
        trained(data, tmp_path / "run", callbacks=[stop], **settings)
    assert len(run.history) == 2


def test_a_disk_that_fills_up_leaves_the_last_checkpoint(data, features, full_disk):
    def fill(record):
        if record["epoch"] == 2:
            room = shutil.disk_usage(full_disk).free
            (full_disk / "filler").write_bytes(bytes(room))

    with pytest.raises(WorkflowError, match="No space left on device"):
        trained(
            data,
            full_disk / "run",
            features=features,
            callbacks=[fill],
            model={"name": "dnn", "width": 8},
        )
    run = open_run(full_disk / "run")
    assert run.checkpoints.latest()[0] == 2
    (full_disk / "filler").unlink()
    with pytest.raises(StopError):
        trained(
            data,
            full_disk / "run",
            features=features,
            callbacks=[stop],
            model={"name": "dnn", "width": 8},
        )
    assert len(run.history) == 3
