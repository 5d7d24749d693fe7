"""The README's figures on real recordings, made by its own commands."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ossicle.cli.main import verbs

pytestmark = [pytest.mark.data, pytest.mark.slow]

DIGITS = str(Path(__file__).resolve().parents[1] / "docs" / "digits.toml")


def figures(*words: str) -> dict:
    """Test figures of a search."""
    result = CliRunner().invoke(verbs, ["search", *words, "--jobs", "2", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["test"]


def test_esc10_on_its_official_folds(recordings, tmp_path):
    esc50, out = str(recordings / "esc50"), str(tmp_path)
    test = figures(esc50, "--where", "esc10=True", "--test", "folds", "--out", out)
    assert test["clips"] == 400
    assert len(test["accuracies"]) == 5
    assert test["accuracy"] >= 0.90


def test_esc50_on_its_official_folds(recordings, tmp_path):
    test = figures(str(recordings / "esc50"), "--test", "folds", "--out", str(tmp_path))
    assert test["clips"] == 2_000
    assert len(test["accuracies"]) == 5
    assert test["accuracy"] >= 0.70


def test_digits_on_their_official_split_and_on_unknown_speakers(recordings, tmp_path):
    fsdd, grid = str(recordings / "fsdd"), ["--grid", DIGITS, "--out", str(tmp_path)]
    known = figures(fsdd, "--test", "split", *grid)
    assert known["clips"] == 300
    assert known["accuracy"] >= 0.985
    unknown = figures(fsdd, "--test", "groups", *grid)
    assert unknown["clips"] == 3_000
    assert len(unknown["accuracies"]) == 6
    assert 0.78 < unknown["accuracy"] < known["accuracy"]
