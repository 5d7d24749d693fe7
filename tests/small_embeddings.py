"""A network so small that its embedding can be computed by hand."""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ossicle.features import Embedding, LogMel

INNER = LogMel(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=8)
N_FRAMES, N_BANDS, WIDTH = 10, 8, 5
WEIGHTS = np.random.default_rng(0).normal(scale=0.02, size=(N_FRAMES * N_BANDS, WIDTH))


def small_network(*shape: int | str, seed: int | None = None) -> bytes:
    """tanh of a product with all numbers of a patch, and twice that; input ``(n, *shape)``."""
    weights = WEIGHTS if seed is None else np.random.default_rng(seed).normal(size=WEIGHTS.shape)
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["patch", "flat"], ["row"]),
            helper.make_node("MatMul", ["row", "w"], ["product"]),
            helper.make_node("Tanh", ["product"], ["code"]),
            helper.make_node("Add", ["code", "code"], ["twice"]),
        ],
        "small",
        [values("patch", TensorProto.FLOAT, ["n", *(shape or (1, N_FRAMES, N_BANDS))])],
        [values(name, TensorProto.FLOAT, ["n", WIDTH]) for name in ("code", "twice")],
        [
            numpy_helper.from_array(weights.astype(np.float32), "w"),
            numpy_helper.from_array(np.array([-1, N_FRAMES * N_BANDS]), "flat"),
        ],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))


def small_embedding(**settings: object) -> Embedding:
    """Patches of ten inner frames, five frames apart."""
    values = {"inner": INNER, "network": small_network(), "output": "code"}
    return Embedding(**(values | settings))


def by_hand(patch: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the network makes of a patch, shape (n_frames, n_bands)."""
    return np.tanh(patch.astype(np.float64).ravel() @ WEIGHTS)
