"""Networks: sizes, sharing, seeds, refusals, and the ONNX files they become."""

import importlib.metadata
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from small_networks import SHAPE, SMALL, Answering, experienced, small, windows  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from ossicle.errors import ModelError  # noqa: E402
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
)

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
@pytest.mark.parametrize("width", [10**12, 10**30])
def test_a_network_larger_than_any_memory_is_refused(name: str, width: int) -> None:
    size = {"widths": (width, width)} if name == "resnet" else {"width": width}
    huge = architecture({"name": name, **SMALL[name], **size})
    with pytest.raises(ModelError, match=rf'"widths?": \[?{width}.* cannot be made .*too large'):
        huge.build(**SHAPE, n_outputs=(3,))


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
        ({"name": "resnet", "widths": [8]}, "widths is .* two whole numbers or more"),
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
