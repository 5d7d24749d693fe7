"""Classifiers whose front end runs a network: the bundle carries it, and nothing else changes."""

import hashlib
import json
import pickle

import numpy as np
import pytest
from commands import answered
from hypothesis import given, settings
from hypothesis import strategies as st
from small_classifiers import TASK, linear, nearest_prototype, noise, scene, sealed_with, tone
from small_embeddings import small_embedding, small_network

import ossicle
from ossicle.classifier import Classifier, verify
from ossicle.classifier.archive import unpack
from ossicle.classifier.bundle import MEMBERS, WITH_FRONT_END, seal, unseal
from ossicle.errors import BundleError
from ossicle.features import Scaler, integrate
from ossicle.steps import search_dataset

RATE = 8_000


def embedded(**changes) -> Classifier:
    """The nearest of three prototypes, as a small network sees them."""
    front_end = small_embedding()
    sounds = [tone(3_000, 1.0, RATE), tone(700, 1.0, RATE), noise(1.0, RATE)]
    vectors = np.stack([integrate(front_end(each), "mean") for each in sounds])
    scaler = Scaler.fit(vectors)
    scaled = scaler(vectors)
    values = {
        "tasks": (TASK,),
        "front_end": front_end,
        "network": linear(scaled.T, -0.5 * (scaled**2).sum(axis=1)),
        "integration": "mean",
        "scaler": scaler,
        "window": 1.0,
        "window_hop": 0.48,
    }
    return Classifier(**(values | changes))


@pytest.fixture(scope="module")
def members():
    return unpack(seal(embedded()))


def refused(record, others, match):
    with pytest.raises(BundleError, match=match):
        unseal(sealed_with(record, others), Classifier)


def parts(members):
    """Settings and other members of a bundle, to be changed."""
    others = {name: data for name, data in members.items() if name != "bundle.json"}
    return json.loads(members["bundle.json"]), others


def test_the_bundle_carries_the_network_and_answers_without_any_other_file(
    tmp_path, monkeypatch, members
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    classifier, path = embedded(), tmp_path / "sounds.ossicle"
    classifier.save(path)
    assert verify(path).ok
    again = ossicle.load(path)
    assert again.front_end == classifier.front_end
    one, other = classifier(scene(RATE), RATE), again(scene(RATE), RATE)
    assert one.events == other.events != ()
    np.testing.assert_array_equal(one.scores["label"], other.scores["label"])
    assert tuple(members) == WITH_FRONT_END
    assert members["front_end.onnx"] == small_network()
    assert seal(again) == path.read_bytes() == seal(embedded())


def test_a_bundle_without_such_a_network_has_the_members_it_always_had():
    assert tuple(unpack(seal(nearest_prototype()))) == MEMBERS
    assert "front_end.onnx" not in MEMBERS


@settings(max_examples=15)
@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=8))
def test_a_stream_in_any_blocks_answers_as_the_whole_sound_does(lengths):
    classifier, sound = embedded(), scene(RATE)
    whole, stream = classifier(sound, RATE), embedded().stream(RATE)
    start = 0
    for length in [*lengths, len(sound)]:
        stream.push(sound[start : start + length])
        start += length
    stream.finish()
    heard = stream.prediction()
    assert heard.events == whole.events
    np.testing.assert_array_equal(heard.scores["label"], whole.scores["label"])


def test_a_classifier_is_sent_to_another_process_with_its_networks():
    sent = pickle.loads(pickle.dumps(embedded()))
    wanted = embedded()(scene(RATE), RATE)
    np.testing.assert_array_equal(sent(scene(RATE), RATE).scores["label"], wanted.scores["label"])


def test_a_network_that_is_missing_or_too_many_is_refused(members):
    record, others = parts(members)
    del others["front_end.onnx"]
    refused(record, others, "is not here with it")
    plain = unpack(seal(nearest_prototype()))
    record, others = parts(plain)
    order = {name: {**members, **others}[name] for name in WITH_FRONT_END[1:]}
    refused(record, order, r"front_end.onnx is there, but its front end runs no network")


def test_another_network_than_the_described_one_is_refused(members, tmp_path):
    record, others = parts(members)
    others["front_end.onnx"] = small_network(seed=1)
    refused(record, others, "is not here with it")
    record["front_end"]["sha256"] = hashlib.sha256(others["front_end.onnx"]).hexdigest()
    path = tmp_path / "exchanged.ossicle"
    path.write_bytes(sealed_with(record, others))
    assert not verify(path).ok


def test_a_network_that_is_no_plain_computation_is_refused(members):
    record, others = parts(members)
    others["front_end.onnx"] = members["front_end.onnx"].replace(b"Tanh", b"Loop")
    record["front_end"]["sha256"] = hashlib.sha256(others["front_end.onnx"]).hexdigest()
    refused(record, others, "its front end cannot be made: the network")
    others["front_end.onnx"] = b"GIF89a"
    record["front_end"]["sha256"] = hashlib.sha256(b"GIF89a").hexdigest()
    refused(record, others, "its front end cannot be made: the network is not an ONNX file")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"path": "/etc/hostname"}, "is not here with it"),
        ({"url": "https://example.org/net.onnx"}, "is not here with it"),
        ({"network": "AAAA"}, "is not here with it"),
        ({"sha256": ["a"]}, "cannot be made"),
        ({"inner": None}, "inner=None"),
        ({"n_fft": 2**21}, "'n_fft' of the front end is 2097152; the most is 1048576"),
        ({"n_fft": 2**20}, "does not fit the network"),
        ({"scale": 1e-40}, "outside single precision"),
    ],
)
def test_a_description_that_leads_elsewhere_or_too_far_is_refused(members, changes, match):
    record, others = parts(members)
    record["front_end"] |= changes
    refused(record, others, match)


def test_limits_hold_for_the_front_end_inside_too(members):
    record, others = parts(members)
    record["front_end"]["inner"]["n_mels"] = 4_096
    refused(record, others, "'n_mels' of the front end is 4096; the most is 1024")
    record["front_end"]["inner"] |= {"n_mels": 8, "n_fft": 2**16}
    refused(record, others, "'n_fft' of the front end is 65536; the most is 32768")


def test_the_card_names_the_network_by_its_digest():
    assert small_embedding().sha256 in embedded().card()


def test_a_search_over_embeddings_gives_a_bundle_that_stands_alone(table, tmp_path):
    network = tmp_path / "net.onnx"
    network.write_bytes(small_network())
    front_end = small_embedding().describe()
    del front_end["sha256"]
    grid = {
        "front_end": [{**front_end, "path": str(network)}],
        "hop_length": [640, 320],
        "integration": ["mean+max"],
        "model": ["logreg"],
    }
    outcome = search_dataset(table, out=tmp_path / "run", grid=grid, leave_out=0.5)
    network.unlink()
    assert {row["front_end"].split(" ")[3] for row in outcome["rows"]} == {
        "hop_length=640",
        "hop_length=320",
    }
    assert outcome["test"]["accuracy"] > 0.7
    bundle = outcome["written"]["classifier"]
    assert verify(bundle).ok
    assert answered("info", bundle)
