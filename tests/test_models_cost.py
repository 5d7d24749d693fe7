"""What networks cost, against counts made by hand."""

import numpy as np
import onnx
import pytest
from model_rows import blobs, waves
from onnx import TensorProto, helper, numpy_helper

from ossicle import ModelError
from ossicle.inference.cost import multiply_adds, n_parameters
from ossicle.models import MODELS, NearestNeighbours, Perceptron, RandomForest, Ridge


def network(nodes, weights, *, rows=("n", 1, 40, 44), output=("n", 10)):
    """A network of given nodes and shapes of weights, from ``features`` to ``label``."""
    kind = helper.make_tensor_value_info
    constants = [numpy_helper.from_array(np.zeros(s, np.float32), n) for n, s in weights.items()]
    graph = helper.make_graph(
        nodes,
        "g",
        [kind("features", TensorProto.FLOAT, rows)],
        [kind("label", TensorProto.FLOAT, output)],
        constants,
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def conv(source, weight, target, *, strides=(1, 1), pads=(1, 1, 1, 1), group=1):
    return helper.make_node(
        "Conv",
        [source, weight, f"{weight}_bias"],
        [target],
        strides=strides,
        pads=pads,
        group=group,
    )


def keyword_cnn():
    """A plain network of six convolutions and one product, for 40 bands by 44 frames."""
    nodes = [conv("features", "w1", "x1", strides=(1, 2), pads=(2, 5, 2, 5))]
    weights = {"w1": (100, 1, 4, 10), "w1_bias": (100,)}
    for k in range(2, 7):
        strides = (2, 2) if k == 2 else (1, 1)
        nodes.append(conv(f"x{k - 1}", f"w{k}", f"x{k}", strides=strides))
        weights |= {f"w{k}": (100, 100, 3, 3), f"w{k}_bias": (100,)}
    nodes += [
        helper.make_node("GlobalAveragePool", ["x6"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["label"], transB=1),
    ]
    return network(nodes, weights | {"w": (10, 100), "b": (10,)})


def test_a_convolutional_network_costs_what_its_layer_table_says():
    first = 41 * 23 * 100 * 4 * 10
    others = 5 * 21 * 12 * 100 * 100 * 3 * 3
    assert multiply_adds(keyword_cnn()) == first + others + 100 * 10
    assert n_parameters(keyword_cnn()) == 4_100 + 5 * 90_100 + 1_010


def test_a_depthwise_convolution_costs_one_kernel_a_channel():
    nodes = [
        conv("features", "depth", "x", group=32),
        conv("x", "point", "label", pads=(0, 0, 0, 0)),
    ]
    weights = {
        "depth": (32, 1, 3, 3),
        "depth_bias": (32,),
        "point": (64, 32, 1, 1),
        "point_bias": (64,),
    }
    data = network(nodes, weights, rows=("n", 32, 10, 8), output=("n", 64, 10, 8))
    assert multiply_adds(data) == 80 * 32 * 9 + 80 * 32 * 64
    assert n_parameters(data) == 32 * 9 + 32 + 64 * 32 + 64


def test_a_product_with_frames_counts_each_frame():
    nodes = [helper.make_node("MatMul", ["features", "w"], ["label"])]
    data = network(nodes, {"w": (5, 7)}, rows=("n", 11, 5), output=("n", 11, 7))
    assert multiply_adds(data) == 11 * 5 * 7


def test_linear_layers_cost_their_weights():
    matrix, targets = blobs(3, n_rows=90)
    ridge = Ridge().fit(matrix, targets, n_labels=3).onnx("label")
    assert (multiply_adds(ridge), n_parameters(ridge)) == (60, 63)
    layers = Perceptron(hidden_units=8, n_hidden_layers=2, max_iter=2)
    data = layers.fit(matrix, targets, n_labels=3).onnx("label")
    assert multiply_adds(data) == 20 * 8 + 8 * 8 + 8 * 3
    assert n_parameters(data) == 20 * 8 + 8 + 8 * 8 + 8 + 8 * 3 + 3


def test_neighbours_cost_a_product_with_every_row():
    matrix, targets = blobs(3, n_rows=90)
    data = NearestNeighbours().fit(matrix, targets, n_labels=3).onnx("label")
    assert multiply_adds(data) == 90 * 20
    assert n_parameters(data) == 90 * 20 + 90 + 90 * 3  # the rows, their lengths, their labels


def test_trees_cost_their_longest_ways():
    matrix, values = waves(n_rows=200)
    fitted = RandomForest(n_estimators=7, min_samples_leaf=4).fit_values(matrix, values)
    data = fitted.onnx("label")
    assert multiply_adds(data) == sum(tree.get_depth() for tree in fitted.trees)
    assert n_parameters(data) == sum(tree.tree_.node_count for tree in fitted.trees)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_cost(name):
    kind = MODELS[name]
    matrix, targets = blobs(2, n_rows=90)
    targets = np.zeros_like(targets) if kind.one_class else targets
    data = kind().fit(matrix, targets, n_labels=2).onnx("label")
    assert multiply_adds(data) > 0
    assert n_parameters(data) > 0


def test_an_unknown_shape_is_named():
    nodes = [
        helper.make_node("Reshape", ["features", "to"], ["apart"]),
        helper.make_node("MatMul", ["apart", "w"], ["label"]),
    ]
    data = network(nodes, {"w": (5, 7)}, rows=("n", "frames"), output=("n", "m", 7))
    model = onnx.ModelProto.FromString(data)
    model.graph.input.append(helper.make_tensor_value_info("to", TensorProto.INT64, ["axes"]))
    with pytest.raises(ModelError, match=r"shape of 'label' cannot be told.*fixed sizes"):
        multiply_adds(model.SerializeToString())


@pytest.mark.parametrize("count", [multiply_adds, n_parameters])
def test_bytes_that_are_no_network_are_refused(count):
    with pytest.raises(ModelError, match="not an ONNX file"):
        count(b"GIF89a")
