"""Figures of trained networks with a head of one's own, on real recordings."""

import json

import pytest
from click.testing import CliRunner

from ossicle.cli.main import verbs

pytestmark = [pytest.mark.data, pytest.mark.slow]

HEAD = ("--integration", "mean+max", "--model", "ridge", "--set", "alpha=50,200")


def test_esc10_by_yamnet_on_its_official_folds(recordings, models, tmp_path, monkeypatch):
    monkeypatch.setenv("OSSICLE_MODELS", str(models))
    words = ("--where", "esc10=True", "--test", "folds", "--front-end", "yamnet", *HEAD)
    out = ("--leave-out", "0.2", "--out", str(tmp_path), "--jobs", "2", "--json")
    run = CliRunner().invoke(verbs, ["search", str(recordings / "esc50"), *words, *out])
    assert run.exit_code == 0, run.output
    test = json.loads(run.stdout)["test"]
    assert test["clips"] == 400
    assert len(test["accuracies"]) == 5
    assert test["accuracy"] >= 0.96
