"""A network among the models of a search, and several ways to learn tried by name."""

import json
from dataclasses import replace

import numpy as np
import pytest
from small_trainings import FRONT_END, SETTINGS, tones

import ossicle
from ossicle import OssicleError, SearchError
from ossicle.features import LogMel
from ossicle.models import model
from ossicle.selection import Configuration
from ossicle.selection.grid import expand
from ossicle.training.frames import Frames
from ossicle.training.loading import loaded
from ossicle.training.searched import SearchedNetwork

GRID = {
    "front_end": [FRONT_END],
    "integration": ["mean"],
    "model": ["logreg", "network"],
    "epochs": [6],
    "batch_size": [8],
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return tones(tmp_path_factory.mktemp("tones") / "tones")


@pytest.fixture(scope="module")
def found(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    return ossicle.search(dataset, grid=GRID, window=0.25, leave_out=0.5, out=folder)


def test_classical_models_and_networks_are_on_one_table(found):
    kinds = {row["model"].split()[0]: row for row in found.rows}
    assert set(kinds) == {"logreg", "network"}
    assert kinds["network"]["integration"] == "frames by band"
    assert all(row["bytes"] > 0 and row["multiply_adds"] > 0 for row in found.rows)
    assert {row["id"] for row in found.front()} <= {row["id"] for row in found.rows}


def test_a_searched_network_becomes_the_same_bundle_as_any_model(found, dataset, tmp_path):
    row = next(row for row in found.rows if row["model"].startswith("network"))
    found.classifier(row["id"]).save(tmp_path / "net.ossicle")
    classifier = ossicle.load(tmp_path / "net.ossicle")
    assert classifier.integration is None
    assert classifier.prepared.input_shape == (classifier.front_end.n_frames(2_000), 20)
    assert ossicle.evaluate(classifier, dataset).n_clips == len(dataset)
    assert classifier.stream(8_000).push(np.zeros(8_000)) == []


def test_integrations_and_scalings_multiply_vectors_alone():
    grid = {**GRID, "integration": ["mean", "max"], "scaling": ["cell", "band"]}
    names = [each.model.name for each in expand(grid)]
    assert names.count("logreg") == 4
    assert names.count("network") == 1


def test_the_sizes_of_a_network_may_be_in_the_grid():
    sizes = [{"name": "tc_net", "width": width} for width in (8, 16)]
    models = [each.model for each in expand({**GRID, "model": ["network"], "architecture": sizes})]
    assert [each.describe()["architecture"]["width"] for each in models] == [8, 16]
    assert [model(each.describe()) for each in models] == models
    assert len(set(models)) == 2
    assert SearchedNetwork().describe()["architecture"] == "tc_net"


def test_what_takes_frames_is_given_no_vector_and_the_other_way_round():
    with pytest.raises(SearchError, match="network takes frames"):
        Configuration(LogMel(), "mean", SearchedNetwork())
    with pytest.raises(SearchError, match="svm takes vectors"):
        Configuration(LogMel(), "frames", model("svm"))


def test_the_same_seed_gives_the_same_network():
    rows = np.random.default_rng(0).normal(size=(24, 40, 8)).astype(np.float32)
    targets = np.arange(24) % 3
    network = SearchedNetwork(epochs=2, batch_size=8, time_masks=1, mixup=0.2)
    first, again = (network.fit(rows, targets, n_labels=3).logits(rows) for _ in range(2))
    other = SearchedNetwork(epochs=2, batch_size=8, seed=1).fit(rows, targets, n_labels=3)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other.logits(rows))


def test_a_rest_of_one_row_is_learnt_from_with_batch_normalisation():
    rows = np.random.default_rng(0).normal(size=(9, 40, 40)).astype(np.float32)
    network = SearchedNetwork(architecture="resnet", epochs=1, batch_size=8)
    assert network.fit(rows, np.arange(9) % 2, n_labels=2).logits(rows).shape == (9, 2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"architecture": "tc_nett"}, "did you mean 'tc_net'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": -1.0}, "learning_rate is -1"),
        ({"mixup": -1.0}, "mixup=-1"),
    ],
)
def test_a_setting_out_of_range_is_named_before_anything_is_described(settings, said):
    with pytest.raises(OssicleError, match=said):
        SearchedNetwork(**settings)


def test_what_windows_of_several_lengths_would_need_is_said(dataset, tmp_path):
    clip = dataset.clips[0]
    short = replace(clip, start=0.0, end=0.25)
    uneven = replace(dataset, clips=(short, *dataset.clips[1:]))
    grid = {**GRID, "model": ["network"]}
    with pytest.raises(OssicleError, match="window"):
        ossicle.search(uneven, grid=grid, window=None, leave_out=0.5, out=tmp_path)


def test_described_windows_make_batches_as_they_are():
    rows = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    (batch,) = loaded(Frames(rows, {"label": np.eye(4, dtype=np.float32)}), [np.array([2, 0])])
    np.testing.assert_array_equal(batch.features.numpy(), rows[[2, 0]])
    np.testing.assert_array_equal(batch.targets["label"].numpy(), np.eye(4)[[2, 0]])


@pytest.mark.slow
def test_several_ways_are_tried_and_the_best_by_validation_is_taken(dataset, tmp_path):
    front_end = LogMel(sample_rate=8_000, n_fft=256, hop_length=64, n_mels=32)
    settings = {**SETTINGS, "front_end": front_end, "model": "auto", "epochs": 1, "window": 1.0}
    run = ossicle.train(dataset, out=tmp_path / "auto", **settings)
    names = [row["name"] for row in run.tried]
    assert {"tc_net", "ds_cnn", "resnet"} <= set(names)
    assert run.path == tmp_path / "auto" / names[0]
    assert json.loads((tmp_path / "auto" / "tried.json").read_text()) == list(run.tried)
    accuracy = [next(iter(row["figures"].values()))["accuracy"] for row in run.tried]
    assert accuracy[0] == max(accuracy)
    again = ossicle.train(dataset, out=tmp_path / "auto", **settings)
    assert again.tried == run.tried


@pytest.mark.data
def test_classical_models_embeddings_and_networks_are_on_one_front(dataset, models, monkeypatch):
    monkeypatch.setenv("OSSICLE_MODELS", str(models))
    embedded = {"front_end": ["yamnet"], "integration": ["mean+max"], "model": ["logreg"]}
    found = ossicle.search(dataset, grid=[GRID, embedded], window=1.0, leave_out=0.5)
    described = {(row["front_end"].split()[0], row["model"].split()[0]) for row in found.rows}
    assert described == {("log_mel", "logreg"), ("log_mel", "network"), ("embedding", "logreg")}
    front = found.front(minimise=("bytes", "latency_ms"), maximise=("accuracy",))
    assert {row["id"] for row in front} <= {row["id"] for row in found.rows}
