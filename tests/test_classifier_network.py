import contextlib
import time

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from small_classifiers import linear, save

from ossicle.classifier import Network
from ossicle.errors import ModelError
from ossicle.inference.inspection import inspect_network

rng = np.random.default_rng(0)
WEIGHTS, BIAS = rng.standard_normal((4, 3)), rng.standard_normal(3)
GOOD = linear(WEIGHTS, BIAS)
GEMM = helper.make_node("Gemm", ["features", "w", "b"], ["label"])
CONSTANTS = {"w": WEIGHTS, "b": BIAS}


def network(data, **n_labels):
    return Network(data, n_labels=n_labels or {"label": 3})


def changed(change):
    model = onnx.ModelProto.FromString(GOOD)
    change(model)
    return model.SerializeToString()


def test_a_network_answers_in_float32():
    features = rng.standard_normal(4).astype(np.float32)
    logits = network(GOOD)(features)["label"]
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, features @ WEIGHTS + BIAS, rtol=1e-5)


@pytest.mark.parametrize(
    ("n_labels", "message"),
    [
        ({"label": 4}, "has 3 columns"),
        ({"other": 3}, "outputs are"),
        ({"label": 3, "b": 1}, "outp"),
    ],
)
def test_outputs_must_be_those_of_the_tasks(n_labels, message):
    with pytest.raises(ModelError, match=message):
        network(GOOD, **n_labels)


def test_the_input_must_be_features():
    data = changed(lambda m: setattr(m.graph.input[0], "name", "x"))
    with pytest.raises(ModelError, match="before it is computed"):
        network(data)
    node = helper.make_node("Relu", ["x"], ["label"])
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "g",
        [values("x", TensorProto.FLOAT, ["n", 3])],
        [values("label", TensorProto.FLOAT, ["n", 3])],
    )
    opset = [helper.make_opsetid("", 17)]
    data = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    with pytest.raises(ModelError, match="inputs are"):
        network(data)


@pytest.mark.parametrize("shape", [(3,), (5,), (2, 4)])
def test_features_of_another_shape_are_named(shape):
    with pytest.raises(ModelError, match=r"takes \(4,\)"):
        network(GOOD)(np.zeros(shape, np.float32))


def external(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def located(model):
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def in_an_attribute(model):
    tensor = numpy_helper.from_array(np.zeros(3, np.float32), "inner")
    tensor.data_location = TensorProto.EXTERNAL
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def unknown_domain(model):
    model.graph.node[0].domain = "evil.example"


def unknown_opset(model):
    model.opset_import.append(helper.make_opsetid("evil.example", 1))


def huge_shape(model):
    model.graph.initializer[0].dims[:] = [2**31, 2**31]


def negative_shape(model):
    model.graph.initializer[0].dims[:] = [-1, 3]


def cycle(model):
    model.graph.node.insert(0, helper.make_node("Add", ["y", "features"], ["x"]))
    model.graph.node.insert(1, helper.make_node("Relu", ["x"], ["y"]))


def many_nodes(model):
    for number in range(20_000):
        model.graph.node.append(helper.make_node("Relu", ["features"], [f"r{number}"]))


def subgraph(model):
    body = helper.make_graph([], "body", [], [])
    node = helper.make_node("Loop", ["", ""], ["z"], body=body)
    model.graph.node.append(node)


def function(model):
    model.functions.add().name = "f"


def random(model):
    model.graph.node.append(helper.make_node("RandomNormal", [], ["z"], shape=[3]))


def sparse(model):
    model.graph.sparse_initializer.add()


def long_name(model):
    model.graph.node[0].op_type = "A" * 10_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, "another file"),
        (located, "another file"),
        (in_an_attribute, "another file"),
        (unknown_domain, "evil.example"),
        (unknown_opset, "evil.example"),
        (huge_shape, "without the data"),
        (negative_shape, "without the data"),
        (cycle, "before it is computed"),
        (many_nodes, "10000 nodes allowed"),
        (subgraph, "subgraph"),
        (function, "functions"),
        (random, "random numbers"),
        (sparse, "sparse"),
        (long_name, "name of 10000 bytes"),
    ],
)
def test_a_hostile_network_is_refused_before_the_runtime_sees_it(change, message):
    data = changed(change)
    start = time.perf_counter()
    with pytest.raises(ModelError, match=message):
        inspect_network(data)
    assert time.perf_counter() - start < 1.0


def test_a_million_nodes_are_refused_quickly():
    node = b"\x0a\x05" + b"\x22\x03Abc"  # field 1 of the graph: a node with an operator
    graph = node * 1_000_000
    size = len(graph)
    header = bytes([0x3A, *((size >> 7 * k) & 127 | 128 for k in range(3)), size >> 21])
    start = time.perf_counter()
    with pytest.raises(ModelError, match="nodes"):
        inspect_network(header + graph)
    assert time.perf_counter() - start < 2.0


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_our_own_words(data):
    with pytest.raises(ModelError):
        inspect_network(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_mutated_network_is_refused_or_runs(position, flip):
    data = bytearray(GOOD)
    data[position] ^= flip
    with contextlib.suppress(ModelError):
        network(bytes(data))(np.zeros(4, np.float32))


@pytest.mark.parametrize("n_bytes", [0, 1, 10, 100, len(GOOD) - 1])
def test_a_network_cut_off_is_refused(n_bytes):
    with pytest.raises(ModelError):
        network(GOOD[:n_bytes])


def test_a_network_that_asks_for_all_memory_is_stopped():
    nodes = [
        helper.make_node("Cast", ["size"], ["n"], to=TensorProto.INT64),
        helper.make_node("ConstantOfShape", ["n"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Gemm", ["features", "w", "b"], ["plain"]),
        helper.make_node("Add", ["plain", "sum"], ["label"]),
    ]
    data = save(nodes, {**CONSTANTS, "size": [1e9]}, {"label": 3}, 4)
    start = time.perf_counter()
    with pytest.raises(ModelError, match="Available memory"):
        network(data)(np.zeros(4, np.float32))
    assert time.perf_counter() - start < 1.0


def test_three_axes_are_a_matrix_of_frames():
    nodes = [
        helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Gemm", ["mean", "w", "b"], ["label"]),
    ]
    data = save(nodes, CONSTANTS, {"label": 3}, 10, 4)
    assert network(data).input_shape == (10, 4)
    assert network(data)(np.zeros((10, 4), np.float32))["label"].shape == (3,)
