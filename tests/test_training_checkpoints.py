"""Checkpoints where something is missing; see test_training_resume.py for the whole training."""

import sys

import pytest
import torch

from ossicle.errors import MissingExtraError
from ossicle.training.checkpoints import Checkpoints


def test_a_library_that_is_missing_is_no_damage(tmp_path, monkeypatch):
    kept = Checkpoints(tmp_path)
    kept.write(1, {"weights": torch.ones(2)})
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    for read in (lambda: kept.read(1), kept.latest):
        with pytest.raises(MissingExtraError, match="safetensors"):
            read()
    monkeypatch.undo()
    assert kept.latest()[0] == 1
