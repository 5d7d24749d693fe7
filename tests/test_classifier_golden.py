import json

import numpy as np
import pytest
from onnx import helper
from small_classifiers import RATE, TASK, full, linear, nearest_prototype, resealed, save

from ossicle.classifier import Classifier, verify
from ossicle.classifier.archive import unpack
from ossicle.classifier.bundle import seal
from ossicle.classifier.description import json_bytes
from ossicle.errors import BundleError
from ossicle.features import MFCC, LogMel


@pytest.fixture(scope="module")
def members():
    return unpack(seal(full()))


def test_verify_reproduces_the_golden_vectors(tmp_path):
    path = tmp_path / "a.ossicle"
    full().save(path)
    for source in (path, full()):
        report = verify(source)
        assert report.ok
        assert (report.features, report.scores, report.events) == (0.0, 0.0, True)
        assert "reproduced: 5 windows" in str(report)


def test_the_golden_sound_has_a_quiet_window(members):
    facts = json.loads(members["golden/events.json"])
    assert any(facts["quiet"])
    assert not all(facts["quiet"])


def test_verify_reports_another_network(tmp_path, members):
    network = linear(np.zeros((16, 3)), np.array([0.0, 1.0, 0.0]))
    (tmp_path / "a.ossicle").write_bytes(resealed(members, **{"network.onnx": network}))
    report = verify(tmp_path / "a.ossicle")
    assert not report.ok
    assert report.features == 0.0
    assert report.scores > 0.1
    assert str(report).startswith("NOT reproduced")


def test_verify_reports_another_front_end(tmp_path, members):
    front_end = LogMel(sample_rate=RATE, n_mels=16, mel_scale="htk").describe()
    (tmp_path / "a.ossicle").write_bytes(resealed(members, front_end=front_end))
    assert verify(tmp_path / "a.ossicle").features > 0.01


@pytest.mark.parametrize(
    "golden",
    [
        {"golden/sound.wav": b""},
        {"golden/sound.wav": b"RIFF" + bytes(60)},
        {"golden/scores.f32": b"\0\0\0\0"},
        {"golden/features.f32": b""},
        {"golden/events.json": b"[]"},
        {"golden/events.json": b"{}"},
        {"golden/events.json": json_bytes({"events": [{"label": 1}]})},
        {"golden/events.json": json_bytes({"events": 3})},
    ],
)
def test_golden_members_that_do_not_fit_are_refused(tmp_path, members, golden):
    (tmp_path / "a.ossicle").write_bytes(resealed(members, **golden))
    with pytest.raises(BundleError, match="golden"):
        verify(tmp_path / "a.ossicle")


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize(("window", "hop"), [(None, None), (0.3, 0.1), (1.0, None), (4.0, 4.0)])
def test_any_window_and_rate_can_be_saved(tmp_path, rate, window, hop):
    front_end = LogMel(sample_rate=rate, n_mels=16)
    classifier = nearest_prototype(front_end=front_end, window=window, window_hop=hop)
    classifier.save(tmp_path / "a.ossicle")
    assert verify(tmp_path / "a.ossicle").ok
    assert (tmp_path / "a.ossicle").stat().st_size < 1_000_000


def test_a_network_on_matrices_of_whole_clips_can_be_saved(tmp_path):
    nodes = [
        helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Gemm", ["mean", "w", "b"], ["label"]),
    ]
    rng = np.random.default_rng(0)
    constants = {"w": rng.standard_normal((20, 3)), "b": np.zeros(3)}
    settings = {"integration": None, "scaler": None, "window": None, "window_hop": None}
    for n_frames in (47, "time"):
        network = save(nodes, constants, {"label": 3}, n_frames, 20)
        classifier = Classifier(
            tasks=(TASK,), front_end=MFCC(n_mfcc=20), network=network, **settings
        )
        classifier.save(tmp_path / "a.ossicle")
        assert verify(tmp_path / "a.ossicle").ok


def test_stacked_frames_of_whole_clips_can_be_saved(tmp_path):
    network = linear(np.random.default_rng(0).standard_normal((16 * 30, 3)), np.zeros(3))
    classifier = nearest_prototype(
        network=network, integration="stack", scaler=None, window=None, window_hop=None
    )
    classifier.save(tmp_path / "a.ossicle")
    assert verify(tmp_path / "a.ossicle").ok
