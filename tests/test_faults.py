"""What goes wrong outside: odd files and names, full disks, two runs at once, absurd settings."""

import io
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sounds import folders_of_tones, tone_in_noise

from ossicle.audio import read_pcm, write_audio
from ossicle.classifier import load
from ossicle.datasets import mix_dataset, read_dataset
from ossicle.datasets.splits import grouped_split, leave_k_out
from ossicle.errors import BundleError, DatasetError, ModelError, SearchError, WorkflowError
from ossicle.selection import search
from ossicle.selection.grid import expand
from ossicle.workflow import LocalCluster
from ossicle.workflow.files import canonical_json, claimed, file_digest

posix = pytest.mark.skipif(os.name != "posix", reason="needs pipes, links and locks of POSIX")

GRID = {
    "front_end": [{"name": "log_mel", "sample_rate": 8_000, "n_fft": 256, "hop_length": 128}],
    "n_mels": [20],
    "integration": ["mean"],
    "model": ["knn"],
    "n_neighbors": [1],
}


@pytest.fixture
def tones(tmp_path):
    return folders_of_tones(tmp_path / "tones", n_clips=4)


def why(dataset):
    """Reason by name for what was not used."""
    return dict(dataset.skipped)


# --- files and names ------------------------------------------------------------------------------


@posix
def test_a_pipe_among_the_recordings_is_named_and_not_waited_for(tones):
    os.mkfifo(tones / "low" / "pipe.wav")
    dataset = read_dataset(tones)
    assert len(dataset) == 8
    assert "device or pipe" in why(dataset)["low/pipe.wav"]
    dataset.fingerprint()


@posix
def test_a_link_that_leads_nowhere_is_named_and_stops_nothing(tones):
    (tones / "low" / "gone.wav").symlink_to("nowhere.wav")
    (tones / "low" / "loop.wav").symlink_to("loop.wav")
    dataset = read_dataset(tones)
    assert len(dataset) == 8
    assert {why(dataset)[f"low/{name}.wav"] for name in ("gone", "loop")} == {
        "a link that leads nowhere"
    }


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are for Linux")
def test_a_name_that_is_not_utf8_is_named_and_can_be_printed(tones):
    Path(os.fsdecode(os.fsencode(tones / "low") + b"/caf\xe9.wav")).touch()
    dataset = read_dataset(tones)
    assert why(dataset)["low/caf\\xe9.wav"].startswith("the name is not UTF-8")
    dataset.fingerprint()
    str(dataset.check()).encode()


@posix
def test_a_device_in_place_of_a_data_set_is_called_a_device():
    with pytest.raises(DatasetError, match="/dev/null is a device or pipe"):
        read_dataset("/dev/null")


@posix
@pytest.mark.parametrize(("read", "error"), [(file_digest, WorkflowError), (load, BundleError)])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path, read, error):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(error, match="pipe"):
        read(tmp_path / "pipe")


def test_an_empty_table_is_called_empty(tmp_path):
    (tmp_path / "clips.csv").touch()
    with pytest.raises(DatasetError, match=r"clips\.csv is empty; a header"):
        read_dataset(tmp_path / "clips.csv")


def test_labels_that_differ_in_case_or_spaces_are_warned_of(tones):
    lines = [f"high/high_{k}.wav,{label}" for k, label in enumerate(("bell", " bell", "Bell"))]
    table = tones / "clips.csv"
    table.write_text("\n".join(["path,label", *lines, "low/low_0.wav,hum"]))
    warned = [text for text in read_dataset(table).check().warnings if "differ in case" in text]
    assert len(warned) == 1
    assert "hum" not in warned[0]


def test_groups_with_long_names_give_names_that_files_can_have(tones):
    lines = [f"high/high_{k}.wav,a,{'ü' * 400}{k}" for k in range(3)]
    table = tones / "clips.csv"
    table.write_text("\n".join(["path,label,group", *lines]), encoding="utf-8")
    names = [name for name, _, _ in read_dataset(table).leave_one_group_out()]
    assert len(set(names)) == 3
    assert all(len(name.encode()) < 250 for name in names)


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [-1, 0.5, True])
def test_a_seed_that_is_none_is_named(seed):
    with pytest.raises(DatasetError, match=f"seed={seed}; a whole number from 0"):
        grouped_split(range(4), [0, 1, 0, 1], (0.5, 0.5), seed=seed)
    with pytest.raises(DatasetError, match="whole number from 0"):
        leave_k_out(range(4), 1, seed=seed)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_json_cannot_hold_is_named_with_its_key(value):
    with pytest.raises(WorkflowError, match=f"window is {value}, .* finite"):
        canonical_json(["auto", {"grid": None, "window": value}])


def test_a_slip_of_the_finger_does_not_start_a_hundred_thousand_processes():
    with pytest.raises(WorkflowError, match="n_jobs is 100000; 1 to 1024"):
        LocalCluster(100_000)


def test_more_mixes_than_a_table_holds_are_refused_at_once(tones):
    with pytest.raises(DatasetError, match="at most 1000000 are allowed"):
        mix_dataset(alarms=tones / "high", background=tones / "low", out=tones / "m", n=10**11)


def test_a_block_of_years_needs_no_more_memory_than_its_sound():
    (block,) = read_pcm(io.BytesIO(bytes(6)), sample_rate=16_000, block=1e9)
    assert len(block) == 3


@pytest.mark.parametrize("label", ["x" * 65_536, "\x1b[31mred", "two\nlines"])
def test_a_label_that_no_bundle_may_hold_is_refused_before_the_work(tones, label):
    table = tones / "clips.csv"
    lines = [f'high/high_{k}.wav,"{label}"\nlow/low_{k}.wav,low' for k in range(4)]
    table.write_text("\n".join(["path,label", *lines]))
    with pytest.raises(SearchError, match="no classifier can hold this") as caught:
        search(read_dataset(table), grid=GRID, out=tones / "run")
    assert len(str(caught.value)) < 300
    assert not (tones / "run").exists()


def test_a_model_that_is_no_word_is_refused_in_words():
    with pytest.raises(ModelError, match=r"no model is called \"\['svm'\]\"; did you mean 'svm'"):
        expand({"model": [["svm"]]})


def test_windows_that_no_bundle_may_hold_are_refused_before_the_work(tones):
    with pytest.raises(SearchError, match=r"window_hop is 0.0001 s .* too short; the least is"):
        search(read_dataset(tones), grid=GRID, window=0.25, window_hop=1e-4, out=tones / "run")
    assert not (tones / "run").exists()


def test_a_label_without_a_clip_that_can_be_used_is_named_with_the_reason(tones):
    for take in range(4):
        write_audio(tones / "still" / f"{take}.wav", np.zeros(4_000, np.float32), 8_000)
    with pytest.raises(SearchError, match=r"none of the 4 clips of 'still'.*0\.wav: quiet"):
        search(read_dataset(tones), grid=GRID, out=tones / "run")


# --- two runs at once, killed runs, full disks ----------------------------------------------------


@posix
def test_a_folder_is_kept_by_one_process_and_free_again_when_that_is_killed(tmp_path):
    code = "import sys; from ossicle.workflow.files import claimed\n"
    code += "with claimed(sys.argv[1]): print(flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, **pipes) as other:
        other.stdout.readline()
        with pytest.raises(WorkflowError, match="written by another run"), claimed(tmp_path):
            pass
        other.kill()
        other.wait()
    with claimed(tmp_path):
        pass


@posix
def test_a_second_mixing_into_the_same_folder_spoils_nothing(tmp_path):
    for take in range(10):
        for name, pitch in (("high", 1_900.0), ("low", 400.0)):
            sound = tone_in_noise(pitch, seed=take, duration=1.5)
            write_audio(tmp_path / name / f"{take}.wav", sound, 8_000)
    asked = {"alarms": tmp_path / "high", "background": tmp_path / "low", "out": tmp_path / "mixed"}
    settings = {"n": 12, "duration": 0.5, "sample_rate": 8_000}
    refused = []

    def second(done, total):
        with pytest.raises(WorkflowError, match="another run"):
            mix_dataset(**asked, **settings)
        refused.append(done)

    made = mix_dataset(**asked, **settings, progress=second)
    assert refused
    assert all(clip.path.is_file() for clip in made)
    assert mix_dataset(**asked, **settings).fingerprint() == made.fingerprint()


FILL = """
import sys
from ossicle.datasets import read_dataset
from ossicle.errors import WorkflowError
from ossicle.features import FeatureStore, LogMel

front_end = LogMel(sample_rate=8_000, n_fft=256, hop_length=8, n_mels=40)
try:
    FeatureStore(sys.argv[2]).extract(read_dataset(sys.argv[1]).clips, front_end)
except WorkflowError as error:
    print(error)
"""
ON_A_SMALL_DISK = 'mount -t tmpfs -o size=256k none "$1" || exit 1; shift; "$@"'


@pytest.mark.skipif(shutil.which("unshare") is None, reason="mounts a small disk for itself")
def test_a_disk_full_of_features_is_an_error_and_no_crash(tmp_path):
    for take in range(4):
        sound = tone_in_noise(900.0, seed=take, duration=2.0)
        write_audio(tmp_path / "tones" / "a" / f"{take}.wav", sound, 8_000)
    (disk := tmp_path / "disk").mkdir()
    small = ["unshare", "-rm", "sh", "-c", ON_A_SMALL_DISK, "sh", str(disk)]
    if subprocess.run([*small, "true"], capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("no disk may be mounted here")
    words = [*small, sys.executable, "-c", FILL, str(tmp_path / "tones"), str(disk / "store")]
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "No space left on device" in run.stdout
