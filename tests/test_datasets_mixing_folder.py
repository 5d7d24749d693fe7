"""The folder of mixes: whole or absent, never another's; and what cannot be mixed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mixed_sounds import RATE, digests, mixed, sources, write_sounds

from ossicle.audio import alarm, background, write_audio
from ossicle.errors import DatasetError, OssicleError


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def made(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mixed") / "out"
    mixed(sounds, out)
    return out


# --- the folder ---------------------------------------------------------------------------------


def test_the_same_recipe_again_does_no_work(sounds: Path, made: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    calls: list[tuple[int, int]] = []
    again = mixed(sounds, made, progress=lambda done, total: calls.append((done, total)))
    assert len(again) == 40
    assert not calls
    assert before == {path: path.stat().st_mtime_ns for path in made.rglob("*")}


def test_mixes_that_were_lost_are_made_again(sounds: Path, made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(made, out)
    (out / "audio/0003.flac").unlink()
    assert len(mixed(sounds, out)) == 40
    assert digests(out) == digests(made)
    (out / "audio/0003.flac").rename(out / "audio/mine.flac")
    with pytest.raises(DatasetError, match=r"lacks audio/0003\.flac and holds audio/mine\.flac"):
        mixed(sounds, out)
    assert (out / "audio/mine.flac").exists()


def test_mixes_made_by_other_code_are_refused(
    sounds: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ossicle.datasets.mixing.code_digest", lambda *parts: "edited")
    with pytest.raises(DatasetError, match="another version of ossicle"):
        mixed(sounds, made)


def test_progress_counts_every_mix(sounds: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    mixed(sounds, tmp_path / "out", n=10, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 10) for done in range(1, 11)]


def test_another_recipe_or_a_changed_sound_is_refused(
    sounds: Path, made: Path, tmp_path: Path
) -> None:
    before = digests(made)
    with pytest.raises(DatasetError, match="another recipe"):
        mixed(sounds, made, n=42)
    changed = tmp_path / "alarms"
    shutil.copytree(sounds / "alarms", changed)
    write_audio(changed / "bell/0.wav", alarm("bell", 0.5, sample_rate=RATE, seed=99), RATE)
    with pytest.raises(DatasetError, match="another recipe"):
        mixed(sounds, made, alarms=changed)
    assert digests(made) == before


def test_a_folder_with_other_files_is_refused_and_left_alone(sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(DatasetError, match=r"not empty, it holds thesis\.txt"):
        mixed(sounds, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_interrupted_run_leaves_nothing(sounds: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mixed(sounds, tmp_path / "out", progress=stop)
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(KeyboardInterrupt):
        mixed(sounds, tmp_path / "empty", progress=stop)
    assert not list((tmp_path / "empty").iterdir())


def test_after_a_killed_run_the_next_one_gives_the_whole(
    sounds: Path, made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    program = (
        "import os, signal, sys\n"
        "from ossicle.datasets import mix_dataset\n"
        "die = lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done == 5 else None\n"
        "a, b, c, out = sys.argv[1:]\n"
        "mix_dataset(alarms=a, significant=b, background=c, out=out, n=40, duration=1.0,\n"
        f"            sample_rate={RATE}, progress=die)\n"
    )
    folders = [str(sounds / name) for name in ("alarms", "other", "room")]
    killed = subprocess.run([sys.executable, "-c", program, *folders, str(out)], env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in out.iterdir()] == [".unfinished"]
    assert len(mixed(sounds, out)) == 40
    assert digests(out) == digests(made)


def test_a_kill_between_the_last_renames_is_mended(
    sounds: Path, made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(made, out)
    (out / ".unfinished").mkdir()
    (out / "recipe.json").rename(out / ".unfinished" / "recipe.json")
    mixed(sounds, out)
    assert digests(out) == digests(made)


def test_a_full_disk_is_an_error_that_leaves_nothing(sounds: Path, full_disk: Path) -> None:
    with pytest.raises(OssicleError, match="cannot write"):
        mixed(sounds, full_disk / "out", n=200)
    assert not list(full_disk.iterdir())


# --- what cannot be mixed -----------------------------------------------------------------------


def test_corrupt_and_silent_sounds_are_passed_over(sounds: Path, tmp_path: Path) -> None:
    shutil.copytree(sounds / "alarms", tmp_path / "alarms")
    (tmp_path / "alarms/bell/broken.wav").write_bytes(b"RIFF no sound at all")
    write_audio(tmp_path / "alarms/bell/silent.wav", np.zeros(RATE), RATE)
    made = mixed(sounds, tmp_path / "out", alarms=tmp_path / "alarms", n=80)
    used = {Path(source["path"]).name for _, source in sources(tmp_path / "out")}
    recipe = json.loads((tmp_path / "out/recipe.json").read_text())
    assert len(made) == 80
    assert not used & {"broken.wav", "silent.wav"}
    assert [Path(name).name for name, _ in recipe["skipped"]] == ["broken.wav"]


def test_nothing_but_silence_is_an_error_that_says_so(sounds: Path, tmp_path: Path) -> None:
    write_audio(tmp_path / "room/silence.wav", np.zeros(10 * RATE), RATE)
    with pytest.raises(DatasetError, match="are the sources silent"):
        mixed(sounds, tmp_path / "out", background=tmp_path / "room")
    assert not (tmp_path / "out").exists()


def test_too_few_alarms_for_the_parts_are_refused(sounds: Path, tmp_path: Path) -> None:
    for number in range(2):
        source = sounds / f"alarms/bell/{number}.wav"
        (tmp_path / "alarms").mkdir(exist_ok=True)
        shutil.copy(source, tmp_path / f"alarms/{number}.wav")
    with pytest.raises(DatasetError, match="2 independent alarm sounds leave nothing for"):
        mixed(sounds, tmp_path / "out", alarms=tmp_path / "alarms")


def test_too_short_a_background_for_the_parts_is_refused(sounds: Path, tmp_path: Path) -> None:
    write_audio(tmp_path / "room/fan.wav", background("fan", 2.0, sample_rate=RATE), RATE)
    with pytest.raises(DatasetError, match="leave nothing for validation and test"):
        mixed(sounds, tmp_path / "out", background=tmp_path / "room")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"snr": (5.0, -5.0)}, "snr 5 to -5"),
        ({"snr": (float("nan"), 1.0)}, "snr nan"),
        ({"duration": 0.0}, "duration of 0 s"),
        ({"duration": float("inf")}, "duration of inf s"),
        ({"labels": "kind"}, "labels='kind'"),
        ({"fractions": (0.5, 0.5)}, "three from 0 to 1"),
        ({"fractions": (0.9, 0.2, -0.1)}, "with sum 1"),
        ({"seed": -1}, "seed -1"),
        ({"n": 4}, "n=4 mixes leave 1 for"),
        ({"sample_rate": 16}, "sample_rate of 16 Hz"),
        ({"alarms": "no/such/folder"}, "no/such/folder"),
    ],
)
def test_settings_out_of_range_are_refused_by_value(
    settings: dict[str, Any], match: str, sounds: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=match):
        mixed(sounds, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_labels_of_alarms_must_name_alarms(sounds: Path, tmp_path: Path) -> None:
    shutil.copytree(sounds / "alarms/bell", tmp_path / "alarms/other")
    with pytest.raises(DatasetError, match="'other', which names no alarm"):
        mixed(sounds, tmp_path / "out", alarms=tmp_path / "alarms", labels="source")
