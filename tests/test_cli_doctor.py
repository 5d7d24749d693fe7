"""``ossicle doctor``: what is here, what is missing, and the command that adds it."""

import re
import tomllib
from pathlib import Path

import numpy as np
from commands import answered, printed

import ossicle

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def test_doctor_names_what_is_missing_and_the_cure(monkeypatch):
    from ossicle.cli import doctor

    monkeypatch.setitem(doctor.PARTS, "plot", ("matplotlib", "no-such-library"))
    text = printed("doctor")
    assert "no-such-library (not installed)" in text
    assert "pip install 'ossicle[plot]'" in text
    about = answered("doctor")
    assert about["ossicle"] == ossicle.__version__
    assert about["parts"]["plot"]["no-such-library"] is None
    assert about["parts"]["base"]["numpy"] == np.__version__
    assert {"WAV", "FLAC"} <= set(about["formats"])


def test_doctor_knows_every_package_of_the_extras_that_are_run():
    from ossicle.cli import doctor

    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    for part in ("search", "train", "tensorboard", "plot", "media", "microphone"):
        named = {re.match(r"[\w-]+", words)[0] for words in extras[part]} - {"ossicle"}
        assert set(doctor.PARTS[part]) == named


def test_doctor_says_which_pretrained_networks_are_here(monkeypatch, tmp_path):
    from ossicle.features import PRETRAINED

    monkeypatch.setenv("OSSICLE_MODELS", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "yamnet.onnx").write_bytes(b"another file")
    assert answered("doctor")["networks"] == dict.fromkeys(PRETRAINED)
    text = printed("doctor")
    assert "missing  ossicle data get yamnet --from FILE\n" in text
    assert "missing  ossicle data get speech_embedding\n" in text


def test_doctor_counts_the_formats_of_an_installed_media_extra(monkeypatch):
    from ossicle.cli import doctor

    monkeypatch.setattr(doctor, "_version", lambda name: "1.0")
    assert "M4A" in doctor._formats()
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    assert "M4A" not in doctor._formats()
