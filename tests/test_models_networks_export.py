"""Networks as ONNX files: the same answers, folded, the same bytes, and nothing of their making."""

import copy
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from small_networks import SHAPE, SMALL, Answering, experienced, small, windows  # noqa: E402
from torch import nn  # noqa: E402

from ossicle.classifier.network import Network  # noqa: E402
from ossicle.errors import ModelError  # noqa: E402
from ossicle.inference import multiply_adds, prepared_session  # noqa: E402
from ossicle.inference import n_parameters as n_constants  # noqa: E402
from ossicle.models.networks import DsCnn, write_network  # noqa: E402
from ossicle.models.networks.export import _check_near  # noqa: E402

TASKS = ["word", "distance"]
AFFINE = {"distance": (20.0, 4.0)}


class Written(NamedTuple):
    """A network after it was written, what it was before, and the file."""

    network: Any
    before: Any
    data: bytes


@pytest.fixture(scope="module", params=SMALL)
def written(request: pytest.FixtureRequest) -> Written:
    """Some parts are in evaluation mode, as when a body is frozen; the others learn."""
    network = experienced(small(request.param))
    network.body[-1].eval()
    before = copy.deepcopy(network)
    return Written(network, before, write_network(network, **SHAPE, tasks=TASKS, affine=AFFINE))


def test_the_file_answers_like_the_module(written: Written) -> None:
    session, network = prepared_session(written.data), copy.deepcopy(written.before).eval()
    for n in (1, 2, 5):
        word, distance = session.run(TASKS, {"features": windows(n).numpy()})
        with torch.no_grad():
            wanted = [answer.numpy() for answer in network(windows(n))]
        np.testing.assert_allclose(word, wanted[0], atol=1e-5)
        np.testing.assert_allclose(distance, 20.0 + 4.0 * wanted[1], rtol=1e-5)


def test_a_bundle_takes_the_file(written: Written) -> None:
    network = Network(written.data, n_labels={"word": 3, "distance": 1})
    assert network.input_shape == (24, 16)
    assert network(windows(1)[0].numpy())["word"].shape == (3,)


def test_normalisation_is_folded_into_the_weights(written: Written) -> None:
    operators = {node.op_type for node in onnx.load_from_string(written.data).graph.node}
    assert not operators & {"BatchNormalization", "Dropout", "If", "Loop"}
    n_folded = 0
    for layer in written.network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            n_folded += layer.num_features  # becomes a bias, where the layer has none
        elif isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            n_folded += layer.weight.numel()
            n_folded += layer.out_features if isinstance(layer, nn.Linear) else 0
    assert n_constants(written.data) == n_folded


def test_the_cost_of_a_file_is_counted_as_its_layers_compute(written: Written) -> None:
    products = 0

    def count(layer: nn.Module, _: object, answer: torch.Tensor) -> None:
        nonlocal products
        n_places = answer[0].numel() // answer.shape[1]
        products += n_places * layer.weight.numel()

    network = copy.deepcopy(written.before).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            layer.register_forward_hook(count)
    network(windows(1))
    assert multiply_adds(written.data) == products


def test_writing_leaves_every_part_in_its_mode_and_state(written: Written) -> None:
    after, before = written.network.state_dict(), written.before.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    modes = [part.training for part in written.network.modules()]
    assert modes == [part.training for part in written.before.modules()]
    assert {True, False} == set(modes)


def test_the_file_tells_nothing_of_the_machine_it_was_made_on(written: Written) -> None:
    model = onnx.load_from_string(written.data)
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")
    words = model.SerializeToString()
    for trace in (b".py", b"torch", b"pkg.", b"/home", b"/root", b"/tmp", b"/usr", b"2.1"):
        assert trace not in words
    parts = [model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output]
    assert not any(part.metadata_props or part.doc_string for part in parts)
    assert (model.producer_name, model.producer_version) == ("ossicle", "")


WRITING = """
import sys, torch
torch.set_num_threads(1)
from ossicle.models.networks import architecture, write_network
shape = {"n_frames": 24, "n_bands": 16}
network = architecture({"name": "ds_cnn", "width": 4}).build(**shape, n_outputs=(2,))
network(torch.randn(4, 24, 16, generator=torch.Generator().manual_seed(0)))
sys.stdout.buffer.write(write_network(network, **shape, tasks=["word"]))
"""


@pytest.fixture(scope="module")
def written_twice() -> list[subprocess.CompletedProcess[bytes]]:
    command = [sys.executable, "-W", "error", "-c", WRITING]
    return [subprocess.run(command, capture_output=True, check=True) for _ in range(2)]


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(
    written_twice: list[subprocess.CompletedProcess[bytes]],
) -> None:
    first, second = written_twice
    assert first.stdout == second.stdout


@pytest.mark.slow
def test_writing_says_nothing_and_warns_of_nothing(
    written_twice: list[subprocess.CompletedProcess[bytes]],
) -> None:
    assert [run.stderr for run in written_twice] == [b"", b""]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda x: x[:, 0, :2], "returns a Tensor; wanted is a tuple"),
        (lambda x: (x[:, 0, :2],) * 2, "returns 2 outputs; wanted is a tuple .* 1 in all"),
        (lambda x: x @ x, "the network fails on features"),
    ],
)
def test_a_module_that_answers_wrongly_is_not_written(given: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        write_network(Answering(given), **SHAPE, tasks=["word"])


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_answers_may_differ_by_what_rounding_does_and_no_more(size: float) -> None:
    wanted = np.float32([[size, -size], [0.0, 0.5 * size]])
    _check_near("word", wanted + np.float32(5e-5 * size), wanted, size)
    with pytest.raises(
        ModelError, match=r"differs from the module's by 0\.0005; allowed is 0\.0001"
    ):
        _check_near("word", wanted + np.float32(5e-4 * size), wanted, size)


@pytest.mark.slow
def test_a_task_may_have_any_name() -> None:
    network, tasks = small("dnn"), ["relu", "value_0"]
    data = write_network(network, **SHAPE, tasks=tasks)
    answers = prepared_session(data).run(tasks, {"features": windows(2).numpy()})
    assert [answer.shape for answer in answers] == [(2, 3), (2, 1)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: (x[:, 0, :2] + torch.rand(1),), "draws random numbers|RandomUniform"),
        (lambda x: (x[:, 0, :2] * float("nan"),), "'word' of the network is not finite"),
        (
            lambda x: (x[:, 0, :2] if float(x.sum()) > 0 else x[:, 1, :2],),
            "cannot be written as ONNX",
        ),
    ],
)
def test_what_cannot_be_written_faithfully_is_refused(answer: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        write_network(Answering(answer), **SHAPE, tasks=["word"])


@pytest.mark.parametrize(
    ("tasks", "affine", "said"),
    [
        (["word", "word"], {}, "each needs a name of its own"),
        (["features"], {}, "other than 'features'"),
        (["word"], {"wrod": (0.0, 1.0)}, "affine names 'wrod'; allowed: word"),
    ],
)
def test_names_of_outputs_are_checked(
    tasks: list[str], affine: Mapping[str, tuple[float, float]], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        write_network(small("dnn", (2,)), **SHAPE, tasks=tasks, affine=affine)


# Products by hand from the layer table: 41 x 23 places of the first convolution, 21 x 12 after.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "n_products"),
    [
        ({}, 41 * 23 * 4000 + 5 * 21 * 12 * (900 + 10_000) + 1000),
        ({"separable": False}, 41 * 23 * 4000 + 5 * 21 * 12 * 90_000 + 1000),
    ],
)
def test_the_cost_of_a_file_is_that_of_its_layer_table(
    settings: dict[str, Any], n_products: int
) -> None:
    network = DsCnn(**settings).build(n_frames=44, n_bands=40, n_outputs=(10,))
    data = write_network(network, n_frames=44, n_bands=40, tasks=["word"])
    assert multiply_adds(data) == n_products
