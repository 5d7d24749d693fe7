"""Networks: sizes, sharing, seeds, refusals, and the ONNX files they become."""

import copy
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from ossicle.classifier.network import Network  # noqa: E402
from ossicle.errors import ModelError  # noqa: E402
from ossicle.inference import prepared_session  # noqa: E402
from ossicle.models.cost import multiply_adds  # noqa: E402
from ossicle.models.cost import n_parameters as n_constants  # noqa: E402
from ossicle.models.networks import (  # noqa: E402
    ARCHITECTURES,
    Architecture,
    Dnn,
    DsCnn,
    Provided,
    TcNet,
    architecture,
    check_module,
    n_parameters,
    write_network,
)

torch.set_num_threads(1)

SMALL: dict[str, dict[str, Any]] = {
    "dnn": {"width": 8, "n_hidden": 2},
    "cnn": {"width": 4, "n_hidden": 2},
    "ds_cnn": {"width": 4, "n_blocks": 2},
    "tc_net": {"width": 4, "strides": (2, 1)},
    "resnet": {"width": 4, "n_stages": 2},
}
SHAPE = {"n_frames": 24, "n_bands": 16}


def small(name: str, n_outputs: Sequence[int] = (3, 1)) -> nn.Module:
    described = architecture({"name": name, **SMALL[name]})
    return described.build(**SHAPE, n_outputs=n_outputs)


def experienced(module: nn.Module) -> nn.Module:
    """After some batches and with every weight its own, as training leaves it."""
    rng = torch.Generator().manual_seed(1)
    for weights in module.parameters():
        weights.data += 0.1 * torch.randn(weights.shape, generator=rng)
    for _ in range(3):
        module(torch.randn(8, *SHAPE.values(), generator=rng))
    return module


def windows(n: int) -> Tensor:
    return torch.randn(n, *SHAPE.values(), generator=torch.Generator().manual_seed(2))


# --- building -------------------------------------------------------------------------------------


def test_the_small_settings_cover_every_network() -> None:
    assert set(SMALL) == set(ARCHITECTURES)


@pytest.mark.parametrize("name", SMALL)
def test_every_task_has_its_logits_and_every_weight_learns(name: str) -> None:
    network = small(name)
    logits = network(windows(4))
    assert [tuple(answer.shape) for answer in logits] == [(4, 3), (4, 1)]
    sum(answer.square().sum() for answer in logits).backward()
    assert all(weights.grad is not None for weights in network.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_tasks_share_all_but_their_heads(name: str) -> None:
    one, two = small(name, (3,)), small(name, (3, 3))
    width = two.heads[1].in_features
    assert n_parameters(two) - n_parameters(one) == 3 * width + 3


@pytest.mark.parametrize("name", SMALL)
def test_the_same_seed_gives_the_same_weights_and_leaves_the_generator_alone(name: str) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, again, other = (
        architecture({"name": name, **SMALL[name]}).build(**SHAPE, n_outputs=(3,), seed=seed)
        for seed in (5, 5, 6)
    )
    assert torch.equal(torch.get_rng_state(), before)
    pairs = list(zip(first.parameters(), again.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    pairs = list(zip(first.parameters(), other.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", SMALL)
def test_a_description_survives_json(name: str) -> None:
    described = architecture({"name": name, **SMALL[name]})
    assert architecture(json.loads(json.dumps(described.describe()))) == described


def test_the_last_hidden_layer_is_rectified_too() -> None:
    network = Dnn(width=8, n_hidden=2).build(n_frames=4, n_bands=3, n_outputs=(2,))
    assert network.body(torch.randn(50, 4, 3)).min().item() == 0.0
    biases = [layer.bias for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert not any(bool(bias.any()) for bias in biases)


# The layer tables of Hello Edge's variant for 40 bands and 44 frames, ten words. Counted as Caffe
# does: biases of convolutions, and mean, variance, count, gamma and beta of each normalisation.
@pytest.mark.parametrize(
    ("settings", "n_numbers"),
    [({}, 65_021), ({"pool": 3}, 254_021), ({"separable": False}, 458_016)],
)
def test_the_published_layer_tables_are_met_to_the_number(
    settings: dict[str, Any], n_numbers: int
) -> None:
    network = DsCnn(**settings).build(n_frames=44, n_bands=40, n_outputs=(10,))
    assert n_parameters(network, statistics=True) == n_numbers
    maps = network.body[:4](torch.zeros(2, 44, 40))
    assert tuple(maps.shape) == (2, 100, 23, 41)
    maps = network.body[4:7](maps)
    assert tuple(maps.shape) == (2, 100, 12, 21)


def test_the_network_for_words_has_fewer_than_10_000_weights() -> None:
    network = TcNet().build(n_frames=98, n_bands=40, n_outputs=(12,))
    assert n_parameters(network, statistics=True) < 10_000


def test_a_centred_network_does_not_hear_the_colour_of_the_microphone() -> None:
    network = small("tc_net").eval()
    colour = torch.randn(1, 1, SHAPE["n_bands"])
    with torch.no_grad():
        plain, coloured = network(windows(3))[0], network(windows(3) + colour)[0]
    assert torch.allclose(plain, coloured, atol=1e-5)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("ds_cnm", "did you mean 'ds_cnn'"),
        ({"name": "cnn", "widht": 3}, "cnn has no hyper-parameter 'widht'; did you mean 'width'"),
        ({"name": "cnn", "width": 0}, "width is 0; it must be a whole number above 0"),
        ({"name": "cnn", "pool": [2]}, r"pool is \(2,\); it must be two whole numbers"),
        ({"name": "cnn", "pooling": "sum"}, "pooling is 'sum'; allowed are"),
        ({"name": "dnn", "dropout": 1.0}, "dropout is 1.0; it must be a number from 0 to below 1"),
        ({"name": "tc_net", "kernel": 8}, "kernel is 8; it must be odd"),
        ({"name": "tc_net", "strides": []}, "strides is"),
        ({"width": 3}, "no network is called ''"),
        (3, "3 does not describe a network"),
    ],
)
def test_a_wrong_setting_is_named(description: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        architecture(description)


@pytest.mark.parametrize(("n_frames", "n_bands", "what"), [(15, 40, "frames"), (40, 15, "bands")])
def test_an_input_too_small_is_told_how_much_is_needed(
    n_frames: int, n_bands: int, what: str
) -> None:
    with pytest.raises(ModelError, match=f"15 {what} are too few for cnn, which needs 16"):
        architecture("cnn").build(n_frames=n_frames, n_bands=n_bands, n_outputs=(2,))
    network = architecture("cnn").build(n_frames=16, n_bands=16, n_outputs=(2,))
    assert network(torch.zeros(2, 16, 16))[0].shape == (2, 2)


@pytest.mark.parametrize("name", ["cnn", "resnet"])
def test_what_is_said_to_be_enough_is_enough(name: str) -> None:
    sizes = {"n_bands": 40, "n_outputs": (2,)}
    with pytest.raises(ModelError, match="which needs") as refused:
        architecture(name).build(n_frames=1, **sizes)
    least = int(re.search(r"needs (\d+)", str(refused.value))[1])
    network = architecture(name).build(n_frames=least, **sizes)
    assert network(torch.zeros(2, least, 40))[0].shape == (2, 2)
    with pytest.raises(ModelError, match="frames are too few"):
        architecture(name).build(n_frames=least - 1, **sizes)


class Answering(nn.Module):
    """Answers with whatever a function makes of the features."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, features: Tensor) -> Any:
        return self.answer(features)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: x[:, 0, :2], "returns a Tensor; wanted is a tuple with one tensor of logits"),
        (lambda x: (x[:, 0, :2],) * 2, "returns 2 outputs; wanted is a tuple .* 1 in all"),
        (lambda x: (x[:, 0, :3],), r"output 0 .* has shape \(2, 3\) .* wanted are \(2, 2\)"),
        (lambda x: (x[:, 0, :2].double(),), "torch.float64"),
        (lambda x: (x[:, 0, :2] / 0.0,), "output 0 of the network is not finite"),
        (lambda x: ([0.0],), "output 0 of the network is a list, not a tensor"),
        (lambda x: x @ x, r"fails on features of shape \(2, 24, 16\)"),
    ],
)
def test_a_module_that_answers_wrongly_is_refused(answer: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        check_module(Answering(answer), **SHAPE, n_outputs=(2,))


def test_checking_a_module_changes_nothing_of_it() -> None:
    network = experienced(small("cnn"))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.body[2].eval()
    check_module(network, **SHAPE, n_outputs=(3, 1))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert not network.body[2].training


# --- other people's networks ----------------------------------------------------------------------


class Theirs(nn.Module):
    def __init__(self, n_features: int, n_outputs: Sequence[int], depth: int = 1) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(n_features, n) for n in n_outputs)
        self.depth = depth

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        return tuple(head(features.flatten(1)) for head in self.heads)


def theirs(*, n_frames: int, n_bands: int, n_outputs: Sequence[int], depth: int = 1) -> nn.Module:
    return Theirs(n_frames * n_bands, n_outputs, depth)


class TheirArchitecture(Architecture):
    name = "their_architecture"

    def module(self, *, n_frames: int, n_bands: int, n_outputs: Sequence[int]) -> nn.Module:
        return Theirs(n_frames * n_bands, n_outputs)


def test_a_function_that_makes_a_module_is_a_network() -> None:
    described = architecture(theirs)
    assert described.describe() == {"name": f"{__name__}.theirs"}
    first, again = (described.build(**SHAPE, n_outputs=(2, 3)) for _ in range(2))
    assert torch.equal(first.heads[0].weight, again.heads[0].weight)


def test_installed_networks_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = [
        importlib.metadata.EntryPoint(name, f"{__name__}:{attribute}", "ossicle.networks")
        for name, attribute in (
            ("a_function", "theirs"),
            ("a_class", "TheirArchitecture"),
            ("a_number", "SHAPE"),
        )
    ]
    monkeypatch.setattr("ossicle.models.networks.registry.entry_points", lambda group: installed)
    plugged = architecture({"name": "a_function", "depth": 2})
    assert plugged == Provided("a_function", theirs, {"depth": 2})
    assert plugged.describe() == {"name": "a_function", "depth": 2}
    assert plugged.build(**SHAPE, n_outputs=(2,)).depth == 2
    assert isinstance(architecture("a_class"), TheirArchitecture)
    with pytest.raises(ModelError, match=r"'a_number' is .*; nothing that can be called"):
        architecture("a_number")
    with pytest.raises(ModelError, match="did you mean 'a_function'"):
        architecture("a_functio")
    with pytest.raises(ModelError, match=r"'a_function' cannot be made: .*'dept'"):
        architecture({"name": "a_function", "dept": 2}).build(**SHAPE, n_outputs=(2,))


# --- ONNX -----------------------------------------------------------------------------------------

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
