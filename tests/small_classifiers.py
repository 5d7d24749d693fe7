"""Classifiers made by hand: the nearest of three prototype sounds, as one Gemm."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ossicle.classifier import Classifier, Decision
from ossicle.classifier.archive import pack
from ossicle.classifier.bundle import MEMBERS
from ossicle.classifier.description import json_bytes
from ossicle.features import LogMel, Scaler, integrate
from ossicle.types import Task

RATE = 16_000
TASK = Task("label", "multiclass", ("alarm", "bell", "other"), background=("other",))


def tone(frequency: float, duration: float, rate: int = RATE) -> NDArray[np.float32]:
    time = np.arange(round(duration * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def noise(duration: float, rate: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal(round(duration * rate))).astype(np.float32)


def scene(rate: int = RATE) -> NDArray[np.float32]:
    """Eight seconds and a bit: noise, alarm, silence, bell, alarm, noise."""
    pieces = [
        noise(1.3, rate),
        tone(3_000, 2.0, rate),
        np.zeros(round(1.7 * rate), np.float32),
        tone(700, 1.5, rate),
        tone(3_000, 1.5, rate),
        noise(0.77, rate, seed=1),
    ]
    return np.concatenate(pieces)


def linear(weights: NDArray[Any], bias: NDArray[Any], output: str = "label") -> bytes:
    """A network of one Gemm, shape of weights (n_features, n_labels)."""
    return save(
        [helper.make_node("Gemm", ["features", "w", "b"], [output])],
        {"w": weights, "b": bias},
        {output: weights.shape[1]},
        weights.shape[0],
    )


def save(
    nodes: list[Any],
    constants: dict[str, NDArray[Any]],
    outputs: dict[str, int],
    *shape: int,
    **settings: Any,
) -> bytes:
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "small",
        [values("features", TensorProto.FLOAT, ["n", *shape])],
        [values(name, TensorProto.FLOAT, ["n", size]) for name, size in outputs.items()],
        [numpy_helper.from_array(np.float32(value), name) for name, value in constants.items()],
    )
    opsets = settings.pop("opset_imports", [helper.make_opsetid("", 17)])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, **settings)
    assert isinstance(model, onnx.ModelProto)
    return bytes(model.SerializeToString(deterministic=True))


def nearest_prototype(**settings: Any) -> Classifier:
    """Knows a 3 kHz tone, a 700 Hz tone and noise."""
    front_end = settings.pop("front_end", LogMel(sample_rate=RATE, n_mels=16))
    rate = front_end.sample_rate
    sounds = [tone(3_000, 1.0, rate), tone(700, 1.0, rate), noise(1.0, rate, seed=2)]
    vectors = np.stack([integrate(front_end(sound), "mean") for sound in sounds])
    scaler = Scaler.fit(vectors)
    scaled = scaler(vectors)
    network = linear(scaled.T, -0.5 * (scaled**2).sum(axis=1))
    values = {
        "tasks": (TASK,),
        "front_end": front_end,
        "network": network,
        "integration": "mean",
        "scaler": scaler,
        "window": 1.0,
        "window_hop": 0.5,
    }
    return Classifier(**(values | settings))


def full(**settings: Any) -> Classifier:
    """A classifier that uses every setting."""
    return nearest_prototype(
        decision=Decision(thresholds={"alarm": 0.7}, min_duration=0.3, merge_gap=0.5),
        temperature={"label": 1.7},
        metrics={"accuracy": np.float32(0.9), "by_fold": [0.8, 1.0]},
        provenance={"dataset": "synthetic", "seed": 0, "grid": {"C": [1, 10]}},
        **settings,
    )


def resealed(members: Mapping[str, bytes], **changes: Any) -> bytes:
    """A bundle with right digests around changed members or settings."""
    settings = json.loads(members["bundle.json"])
    others = {name: members[name] for name in MEMBERS[1:]}
    others |= {name: data for name, data in changes.items() if name in others}
    settings |= {key: value for key, value in changes.items() if key not in others}
    return sealed_with(settings, others)


def sealed_with(settings: Mapping[str, Any], others: Mapping[str, bytes]) -> bytes:
    """A bundle of these settings and other members, with right digests."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in others.items()}
    return pack({"bundle.json": json_bytes({**settings, "members": digests}), **others})
