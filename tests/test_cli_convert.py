"""``ossicle data convert``: the tree and the meaning stay, what is done is done once."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import answered, printed, refused, typed
from sounds import RATE, folders_of_tones, table_of_tones, tone_in_noise

from ossicle.audio import Conversion, info, read_audio, write_audio
from ossicle.datasets import read_dataset
from ossicle.steps.converting import convert_dataset


def written(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every sound and table of a folder with its time of writing."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and ".converted" not in path.parts
    ]
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(files)
    }


def test_folders_stay_labels_and_clips_of_a_recording_share_a_group(tmp_path):
    folders_of_tones(tmp_path / "tones", n_clips=3)
    words = ("--sample-rate", 4_000, "--cut", 0.2, "--min", 0.1, "--format", "flac")
    found = answered("data", "convert", tmp_path / "tones", "--out", tmp_path / "clips", *words)
    assert found == {"n_clips": 18, "n_written": 18, "failed": []}
    assert (tmp_path / "clips" / "high" / "high_0-0002.flac").is_file()
    clips = read_dataset(tmp_path / "clips")
    assert sorted(clips.labels()) == ["high"] * 9 + ["low"] * 9
    assert len(set(clips.groups.tolist())) == 6
    assert {clip.group for clip in clips} == {
        f"{label}/{label}_{take}.wav" for label in ("high", "low") for take in range(3)
    }
    lengths = [info(clip.path).duration for clip in clips]
    assert sorted(set(lengths)) == [0.1, 0.2]
    assert {info(clip.path).sample_rate for clip in clips} == {4_000}


def test_every_column_of_a_table_goes_with_its_clip(tmp_path):
    write_audio(tmp_path / "in" / "a.wav", tone_in_noise(500.0, seed=0, duration=2.0), RATE)
    write_audio(tmp_path / "in" / "b" / "c.wav", tone_in_noise(900.0, seed=1), RATE)
    (tmp_path / "in" / "clips.csv").write_text(
        "path,label,start,end,fold,split,group,licence,author,source,device,place,mood\n"
        'a.wav,low,0.5,1.5,1,train,room,CC BY 4.0,"Ada, B.",fs:1,phone,hall,calm\n'
        "a.wav,high,1.5,,2,test,,CC0,Ada,fs:1,phone,hall,wild\n"
        "b/c.wav,high,,,3,test,street,CC0,Bo,fs:2,,,\n"
    )
    printed("data", "convert", tmp_path / "in", "--out", tmp_path / "out", "--cut", 0.5)
    before, after = read_dataset(tmp_path / "in"), read_dataset(tmp_path / "out")
    assert [clip.path.name for clip in after] == [
        "a_0.5-1.5-0000.wav",
        "a_0.5-1.5-0001.wav",
        "a_1.5--0000.wav",
        "c-0000.wav",
    ]
    for clip, origin in zip(after, (before[0], before[0], before[1], before[2]), strict=True):
        for field in ("labels", "fold", "split", "metadata"):
            assert getattr(clip, field) == getattr(origin, field)
        for field in ("licence", "author", "source", "device", "place"):
            assert getattr(clip.recording, field) == getattr(origin.recording, field)
    assert [clip.group for clip in after] == ["room", "room", "a.wav", "street"]
    whole, _ = read_audio(tmp_path / "in" / "a.wav")
    piece, _ = read_audio(after[1].path)
    np.testing.assert_allclose(piece, whole[8_000:12_000], atol=1 / 32_768)


def test_a_task_that_is_not_called_label_and_folds_survive(tmp_path):
    table_of_tones(tmp_path / "in")
    printed("data", "convert", tmp_path / "in", "--out", tmp_path / "out")
    before, after = read_dataset(tmp_path / "in"), read_dataset(tmp_path / "out")
    assert after.labels().tolist() == before.labels().tolist()
    assert after.groups.tolist() == before.groups.tolist()
    assert [clip.fold for clip in after] == [clip.fold for clip in before]


def test_one_file_and_unlabelled_recordings_are_converted(tmp_path):
    write_audio(tmp_path / "in" / "a.wav", np.zeros((2, RATE)), RATE)
    found = answered("data", "convert", tmp_path / "in" / "a.wav", "--out", tmp_path / "one")
    assert (found["n_clips"], info(tmp_path / "one" / "a.wav").n_channels) == (1, 1)
    words = ("--out", tmp_path / "all", "--channels", "keep")
    printed("data", "convert", tmp_path / "in", *words)
    assert info(tmp_path / "all" / "a.wav").n_channels == 2


def test_sounds_of_one_name_and_two_formats_do_not_overwrite_each_other(tmp_path):
    for ending in ("flac", "wav"):
        write_audio(tmp_path / "in" / f"a.{ending}", np.zeros(RATE), RATE)
    assert answered("data", "convert", tmp_path / "in", "--out", tmp_path / "out")["n_clips"] == 2
    assert {path.name for path in (tmp_path / "out").glob("*.wav")} == {"a.wav", "a_wav.wav"}


def test_what_is_done_is_not_done_again(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=2)
    words = ("data", "convert", tmp_path / "in", "--out", tmp_path / "out", "--cut", 0.25)
    assert answered(*words)["n_written"] == 8
    first = written(tmp_path / "out")
    first.pop("clips.csv")
    assert answered(*words)["n_written"] == 0
    again = written(tmp_path / "out")
    again.pop("clips.csv")
    assert again == first


def test_what_has_changed_or_is_missing_is_done_again(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=2)
    words = ("data", "convert", tmp_path / "in", "--out", tmp_path / "out", "--cut", 0.25)
    printed(*words)
    write_audio(tmp_path / "in" / "low" / "low_0.wav", tone_in_noise(400.0, seed=9), RATE)
    (tmp_path / "out" / "high" / "high_1-0000.wav").unlink()
    (tmp_path / "out" / "high" / "high_0-0001.wav").write_bytes(b"cut")
    assert answered(*words)["n_written"] == 6
    assert answered(*words)["n_written"] == 0


def test_other_settings_leave_nothing_of_the_first_ones(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=2)
    words = ("data", "convert", tmp_path / "in", "--out", tmp_path / "out")
    printed(*words, "--cut", 0.1)
    printed(*words, "--format", "flac")
    names = [name for name in written(tmp_path / "out") if name != "clips.csv"]
    assert len(names) == 4
    assert {Path(name).suffix for name in names} == {".flac"}
    assert len(read_dataset(tmp_path / "out")) == 4


def test_processes_make_the_same_files_as_one(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=3)
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        printed("data", "convert", tmp_path / "in", "--out", out, "--cut", 0.2, "--jobs", jobs)
    one, two = ({n: data for n, (data, _) in written(tmp_path / f"out{j}").items()} for j in (1, 2))
    assert one == two


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=3)

    def killed(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    options = {"out": tmp_path / "out", "conversion": Conversion(cut=0.25)}
    with pytest.raises(KeyboardInterrupt):
        convert_dataset(tmp_path / "in", progress=killed, **options)
    made = convert_dataset(tmp_path / "in", **options)
    assert (len(made.dataset), made.n_written) == (12, 4)


def test_what_cannot_be_read_is_named_the_rest_is_done_and_the_status_tells(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=2)
    (tmp_path / "in" / "low" / "low_0.wav").write_bytes(b"no sound")
    run = typed("data", "convert", tmp_path / "in", "--out", tmp_path / "out")
    assert run.exit_code == 1
    assert "low_0.wav: looks like text" in run.stderr
    assert "3 clips" in run.stdout
    assert len(read_dataset(tmp_path / "out")) == 3


def test_sounds_that_are_all_too_short_are_all_named(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=1)
    run = typed("data", "convert", tmp_path / "in", "--out", tmp_path / "out", "--min", 5)
    assert run.exit_code == 1
    assert run.stderr.count("shorter than the 5 s asked for") == 2
    assert not (tmp_path / "out" / "clips.csv").exists()


def test_a_folder_that_may_not_be_filled_is_refused(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    convert = ("data", "convert", tmp_path / "in", "--out")
    assert "holds letter.txt" in refused(1, *convert, tmp_path / "full")
    assert "choose a folder elsewhere" in refused(1, *convert, tmp_path / "in" / "out")
    assert "choose a folder elsewhere" in refused(1, *convert, tmp_path / "in")
    assert "is a file" in refused(1, *convert, tmp_path / "full" / "letter.txt")
    assert "0.01 s and more" in refused(1, *convert, tmp_path / "out", "--cut", 0)
    assert not (tmp_path / "out").exists()


def test_a_source_that_moves_is_not_converted_again(tmp_path):
    folders_of_tones(tmp_path / "in", n_clips=1)
    words = ("--out", tmp_path / "out")
    printed("data", "convert", tmp_path / "in", *words)
    shutil.move(tmp_path / "in", tmp_path / "moved")
    assert answered("data", "convert", tmp_path / "moved", *words)["n_written"] == 0
