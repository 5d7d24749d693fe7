"""Trees: equal at every threshold, and refused where a runtime would follow them astray."""

import time

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.classifier import Network
from ossicle.errors import ModelError
from ossicle.inference.inspection import inspect_network
from ossicle.models import Graph, RandomForest
from ossicle.models.trees import Tree, round_down, tree_sums

STUMP = Tree(
    feature=np.array([1, 0, 0]),
    threshold=np.array([0.5, 0.0, 0.0]),
    left=np.array([1, -1, -1]),
    right=np.array([2, -1, -1]),
    values=np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]),
)


def written(trees, *, n_features=3):
    graph = Graph(n_features=n_features)
    return graph.model({"label": tree_sums(graph, graph.input, trees, n_outputs=2)}, n_labels=2)


GOOD = written([STUMP, STUMP])


def network(data):
    return Network(data, n_labels={"label": 2})


def chain(depth):
    """A tree as deep as its number of branches."""
    n_nodes = 2 * depth + 1
    branch = np.arange(n_nodes) % 2 == 0
    branch[-1] = False
    return Tree(
        feature=np.zeros(n_nodes, dtype=np.int64),
        threshold=np.arange(n_nodes) + 0.5,
        left=np.where(branch, np.arange(n_nodes) + 1, -1),
        right=np.where(branch, np.arange(n_nodes) + 2, -1),
        values=np.ones((n_nodes, 2)),
    )


LARGEST = 2.0**127


@given(
    st.floats(-LARGEST, LARGEST),
    st.floats(-LARGEST, LARGEST, width=32),
    st.booleans(),
)
def test_a_rounded_threshold_decides_every_float32_as_before(threshold, x, near):
    x = np.float32(threshold) if near else np.float32(x)
    assert (x <= round_down(np.array([threshold]))[0]) == (float(x) <= threshold)


def test_rows_on_a_threshold_go_the_way_of_scikit_learn():
    matrix = np.float32([[0.1], [0.2], [0.3], [0.4]])
    fitted = RandomForest(n_estimators=30).fit(matrix, np.array([0, 1, 0, 1]), n_labels=2)
    thresholds = np.unique(np.concatenate([tree.tree_.threshold for tree in fitted.trees]))
    near = thresholds.astype(np.float32)
    rows = np.concatenate([np.nextafter(near, np.float32(side)) for side in (-9, 9)] + [near])
    answers = [network(fitted.onnx("label"))(row)["label"] for row in rows[:, None]]
    np.testing.assert_allclose(answers, fitted.logits(rows[:, None]), atol=1e-6)


def test_trees_are_summed():
    np.testing.assert_array_equal(network(GOOD)(np.float32([9, 0.5, 9]))["label"], [2, 0])
    np.testing.assert_array_equal(network(GOOD)(np.float32([0, 0.6, 0]))["label"], [0, 4])


def change(name, values):
    def apply(model):
        (node,) = (node for node in model.graph.node if node.domain)
        (attribute,) = (a for a in node.attribute if a.name == name)
        attribute.CopyFrom(onnx.helper.make_attribute(name, values))

    return apply


def rename(old, new):
    def apply(model):
        (attribute,) = (a for a in model.graph.node[0].attribute if a.name == old)
        attribute.name = new

    return apply


def twice(model):
    model.graph.node[0].attribute.append(model.graph.node[0].attribute[0])


def other_operator(model):
    model.graph.node[0].op_type = "TreeEnsembleClassifier"


def another_order(model):
    model.graph.node[0].attribute[0].doc_string = "said between"


def open_width(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "d"


def from_a_constant(model):
    model.graph.node[0].input[0] = model.graph.initializer.add(
        name="rows", data_type=1, dims=[1, 3], float_data=[0, 0, 0]
    ).name


TWO = (1, 0, 0, 1, 0, 0)
HOSTILE = [
    (change("nodes_truenodeids", (0, 0, 0, 1, 0, 0)), "may be a cycle"),
    (change("nodes_truenodeids", (1, 2, 0, 1, 0, 0)), "go on after a leaf"),
    (change("nodes_truenodeids", (99, 0, 0, 1, 0, 0)), "a node that is not there"),
    (change("nodes_truenodeids", (2**31 + 1, 0, 0, 1, 0, 0)), "a node that is not there"),
    (change("nodes_truenodeids", (-1, 0, 0, 1, 0, 0)), "below 0 or far too large"),
    (change("nodes_truenodeids", (2**60, 0, 0, 1, 0, 0)), "below 0 or far too large"),
    (change("nodes_truenodeids", (1, 0, 0)), "uneven columns"),
    (change("nodes_falsenodeids", TWO), "on no way or on two"),
    (change("nodes_nodeids", (1, 0, 2, 0, 1, 2)), "no first node"),
    (change("nodes_nodeids", (0, 2, 1, 0, 1, 2)), "not counted in order"),
    (change("nodes_treeids", (0, 0, 0, 5, 5, 5)), "not counted in order"),
    (change("nodes_featureids", (3, 0, 0, 1, 0, 0)), "more than 3 columns"),
    (change("nodes_featureids", (-5, 0, 0, 1, 0, 0)), "below 0"),
    (change("nodes_values", (np.nan, 0.0, 0, 0, 0, 0)), "not finite"),
    (change("nodes_modes", ["BRANCH_EQ", *["LEAF"] * 5]), "neither a leaf nor"),
    (change("nodes_modes", ["BRANCH_LEQ", *["LEAF"] * 5]), "go on after a leaf"),
    (change("n_targets", 10**9), "1000000000 outputs"),
    (change("n_targets", 0), "0 outputs"),
    (change("n_targets", -1), "below 0"),
    (change("n_targets", 1), "an output that is not there"),
    (change("target_ids", (0, 10**6, 0, 1)), "an output that is not there"),
    (change("target_nodeids", (1, 5, 1, 2)), "values for a node that is not there"),
    (change("target_nodeids", (0, 2, 1, 2)), "a leaf without or a branch with"),
    (change("target_nodeids", (1, 1, 1, 2)), "a leaf without"),
    (change("target_treeids", (0, 9, 1, 1)), "a tree that is not there"),
    (change("target_weights", (np.inf, 2.0, 1.0, 2.0)), "not finite"),
    (change("target_weights", [b"text"] * 4), "'target_weights' of type 8"),
    (change("nodes_treeids", 0), "'nodes_treeids' of type 2"),
    (change("n_targets", [2, 2]), "'n_targets' of type 7"),
    (rename("nodes_values", "nodes_hitrates"), "'nodes_hitrates'"),
    (rename("nodes_values", "x" * 300), "unknown form"),
    (twice, "'n_targets' twice"),
    (another_order, "unknown form"),
    (other_operator, "TreeEnsembleClassifier of ai.onnx.ml"),
    (open_width, "no input of fixed width"),
    (from_a_constant, "no input of fixed width"),
]


@pytest.mark.parametrize(("hostile", "message"), HOSTILE)
def test_a_malformed_tree_is_refused_before_the_runtime_sees_it(hostile, message):
    model = onnx.ModelProto.FromString(GOOD)
    hostile(model)
    with pytest.raises(ModelError, match=message):
        inspect_network(model.SerializeToString(deterministic=True))


def test_a_tree_too_deep_for_the_runtimes_stack_is_refused():
    assert network(written([chain(1_000)]))(np.zeros(3, np.float32))["label"].tolist() == [1, 1]
    with pytest.raises(ModelError, match="more than 1000 branches deep"):
        network(written([chain(1_001)]))


def test_a_hundred_thousand_nodes_are_inspected_in_a_moment():
    data = written([STUMP] * 50_000)
    start = time.perf_counter()
    inspect_network(data)
    assert time.perf_counter() - start < 1.0


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_mutated_forest_is_refused_or_runs(position, flip):
    data = bytearray(GOOD)
    data[position] ^= flip
    try:
        runs = network(bytes(data))
    except ModelError:
        return
    try:
        runs(np.zeros(runs.input_shape, np.float32))
    except ModelError:
        return
