"""What every verb owes to the terminal: nothing obeyed, nothing dropped in silence, a clean end."""

import json
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from commands import answered, leaves, printed, refused, typed
from small_classifiers import RATE, full, tone

from ossicle.audio import write_audio

OSSICLE = Path(sys.executable).with_name("ossicle")
HOSTILE = "\x1b[31mred\x1b[0m\u202e"


def hidden(text: str) -> list[str]:
    return [mark for mark in text if mark != "\n" and unicodedata.category(mark) in ("Cc", "Cf")]


@pytest.fixture
def hostile(tones, tmp_path) -> Path:
    """A table with a label that would colour the terminal and turn the line around."""
    lines = [f"{path},{HOSTILE if 'low' in path.name else 'high'}" for path in tones.rglob("*.wav")]
    (tmp_path / "clips.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    return tmp_path / "clips.csv"


def test_a_label_is_never_an_order_to_the_terminal(hostile):
    text = printed("data", "info", hostile)
    assert r"\x1b[31mred" in text
    assert hidden(text) == []
    assert hidden(printed("data", "info", hostile, "--json")) == []
    assert HOSTILE in answered("data", "info", hostile)["labels"]["label"]


def test_an_error_is_never_an_order_to_the_terminal(tones, tmp_path):
    message = refused(1, "data", "info", tmp_path / HOSTILE)
    assert r"\x1b[31mred" in message
    assert hidden(message) == []


def test_what_of_a_folder_is_no_sound_is_named(bundle, tmp_path):
    write_audio(tmp_path / "a.wav", tone(700, 1.0), RATE)
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    (tmp_path / "notes.txt").write_text("no sound")
    run = typed("predict", bundle, tmp_path, "--json")
    assert run.exit_code == 0
    assert [one["recording"] for one in json.loads(run.stdout)] == ["a.wav"]
    assert run.stderr.splitlines() == [
        f"skipped {tmp_path / 'gone.wav'}: a link that leads nowhere",
        f"skipped {tmp_path / 'notes.txt'}: not a sound file",
    ]


def test_many_files_that_are_no_sounds_are_counted(bundle, tmp_path):
    write_audio(tmp_path / "a.wav", tone(700, 1.0), RATE)
    for number in range(12):
        (tmp_path / f"{number}.txt").write_text("no sound")
    run = typed("predict", bundle, tmp_path)
    assert run.stderr.splitlines()[-1] == "and 7 more skipped"
    assert len(run.stderr.splitlines()) == 6


def test_features_of_nothing_are_status_1(tmp_path):
    (tmp_path / "sounds" / "dog").mkdir(parents=True)
    (tmp_path / "sounds" / "dog" / "broken.wav").write_bytes(b"RIFF and then nothing of use")
    run = typed("features", tmp_path / "sounds", "--out", tmp_path / "store")
    assert run.exit_code == 1
    assert "broken.wav" in run.output


@pytest.mark.parametrize("form", ["audacity", "csv", "raven", "json", "table"])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_receives_one_file_a_recording(bundle, tmp_path, form, there):
    sounds, out = tmp_path / "sounds", tmp_path / "labels"
    write_audio(sounds / "a.wav", tone(3_000, 2.0), RATE)
    write_audio(sounds / "deep" / "a.flac", tone(700, 2.0), RATE)
    if there:
        out.mkdir()
    words = ("predict", bundle, sounds, "--format", form, "--out", out if there else f"{out}/")
    assert typed(*words).stderr == f"2 recordings in {out}{'' if there else '/'}\n"
    files = sorted(path for path in out.rglob("*") if path.is_file())
    names = [path.relative_to(out).as_posix().rpartition(".")[0] for path in files]
    assert names == ["a.wav", "deep/a.flac"]
    alone = printed("predict", bundle, sounds / "a.wav", "--format", form)
    assert files[0].read_text() == alone


def test_recordings_of_one_name_do_not_overwrite_each_other(bundle, tmp_path):
    for folder in ("mon", "tue"):
        write_audio(tmp_path / folder / "a.wav", tone(700, 1.0), RATE)
    words = ("predict", bundle, tmp_path / "mon" / "a.wav", tmp_path / "tue" / "a.wav")
    message = refused(1, *words, "--format", "audacity", "--out", f"{tmp_path / 'labels'}/")
    assert "two recordings would be written as" in message
    assert not (tmp_path / "labels").exists()


def test_one_label_track_of_several_recordings_is_warned_of(bundle, tmp_path):
    for name in ("a", "b"):
        write_audio(tmp_path / f"{name}.wav", tone(700, 1.0), RATE)
    run = typed("predict", bundle, tmp_path, "--format", "audacity")
    assert "one label track of several recordings" in run.stderr


@pytest.mark.parametrize(
    "words",
    [
        "listen b s --sample-rate 0",
        "listen b s --block 0",
        "listen b s --block -1",
        "features d --out o --window 0",
        "features d --out o --window-hop -0.1",
        "features d --out o --jobs -2",
        "demo --jobs -2",
        "demo --seed -1",
    ],
)
def test_numbers_out_of_range_are_wrong_words(words):
    assert "is not in the range" in refused(2, *words.split())


def test_ctrl_c_is_one_line_and_status_130(tones, tmp_path):
    words = [OSSICLE, "search", tones, "--out", tmp_path, "--model", "svm"]
    values = ",".join(str(1 + n / 100) for n in range(2_000))
    with subprocess.Popen(
        [*words, "--set", f"C={values}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=4)  # the search is under way
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")


def test_the_card_is_text_whose_long_values_stay_under_their_names(tmp_path):
    full(window=1.0).save(tmp_path / "a.ossicle")
    text = printed("info", tmp_path / "a.ossicle")
    assert max(map(len, text.splitlines())) <= 100
    assert "  threshold                 alarm 0.7, bell 0.5" in text


def test_every_number_asked_for_has_a_range():
    bare = [
        f"{name} {option.opts[-1]}"
        for name, command in leaves().items()
        for option in command.params
        if type(option.type).__name__ in ("IntParamType", "FloatParamType")
    ]
    assert [words for words in bare if not words.startswith(("search ", "data "))] == []


@pytest.mark.parametrize("words", ["completion bash", "data inof x", "completion --help"])
def test_what_needs_no_sound_loads_nothing_that_reads_one(words):
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom ossicle.cli.main import verbs\n"
        f"CliRunner().invoke(verbs, {words.split()!r}, prog_name='ossicle')\n"
        "print(sorted({'numpy', 'scipy', 'soundfile', 'onnxruntime'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_loading_what_judges_does_not_load_what_hears():
    code = "import sys, ossicle.evaluation; print('onnxruntime' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
