"""Grids expand in a stable order; fronts keep exactly what nothing beats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ossicle import SearchError
from ossicle.selection import Configuration, expand, non_dominated, pareto_front

FIGURE_7 = {
    "front_end": ["mfcc"],
    "n_fft": [2048, 4096],
    "integration": ["stack", "mean"],
    "model": ["logreg"],
    "C": [0.1, 1, 10],
}


def test_two_frame_sizes_two_integrations_three_costs_are_twelve_configurations():
    configurations = expand(FIGURE_7)
    assert len(configurations) == 12
    assert len({c.id for c in configurations}) == 12


def test_the_order_is_the_order_of_the_grid():
    first, *_, last = expand(FIGURE_7)
    assert (first.front_end.n_fft, first.integration, first.model.C) == (2048, "stack", 0.1)
    assert (last.front_end.n_fft, last.integration, last.model.C) == (4096, "mean", 10)


def test_a_list_of_grids_is_the_union_of_products_without_repetition():
    knn = {"front_end": ["mfcc"], "model": ["knn"], "n_neighbors": [1, 5]}
    assert len(expand([FIGURE_7, knn, knn])) == 14


def test_a_parameter_goes_to_the_models_that_have_it():
    grid = {"model": ["svm", "knn"], "C": [1, 10], "n_neighbors": [1, 3, 5]}
    models = [c.model.describe() for c in expand(grid)]
    assert [m["name"] for m in models] == ["svm"] * 2 + ["knn"] * 3
    assert [m.get("n_neighbors") for m in models] == [None, None, 1, 3, 5]


def test_a_configuration_survives_json():
    for configuration in expand(FIGURE_7):
        assert Configuration.from_description(configuration.describe()) == configuration


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"model": ["knn"], "n_neighbours": [1]}, "did you mean 'n_neighbors'"),
        ({"modle": ["knn"]}, "did you mean 'model'"),
        ({"model": ["knn"], "C": [1]}, "grid key 'C' is no parameter"),
        ({"model": []}, "'model' has no values"),
        ([], "the grid is empty"),
    ],
)
def test_a_wrong_grid_is_refused_with_the_nearest_word(grid, message):
    with pytest.raises(SearchError, match=message):
        expand(grid)


def test_a_grid_may_name_what_descriptions_leave_out_at_its_default():
    grid = {"front_end": "log_mel", "window_scaling": [None, "mean"], "zero_padding": [0, 512]}
    summaries = [each.front_end.summary for each in expand({**grid, "integration": "mean"})]
    assert summaries == [
        "log_mel",
        "log_mel zero_padding=512",
        "log_mel window_scaling=mean",
        "log_mel window_scaling=mean zero_padding=512",
    ]


def test_the_front_of_the_published_example():
    points = [(0.1, 0.8), (0.1, 0.9), (0.2, 0.9), (0.05, 0.5)]
    rows = [{"fpr": fpr, "tpr": tpr} for fpr, tpr in points]
    assert [points[place] for place in pareto_front(rows)] == [(0.1, 0.9), (0.05, 0.5)]


costs = arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.integers(1, 4)),
    elements=st.integers(0, 4).map(float),
)


@given(costs)
def test_exactly_the_rows_that_no_row_dominates_are_kept(points):
    def dominates(a, b):
        return all(a <= b) and any(a < b)

    expected = [not any(dominates(a, b) for a in points) for b in points]
    assert non_dominated(points).tolist() == expected


@given(costs)
def test_ties_are_kept_and_the_front_is_never_empty(points):
    doubled = np.vstack([points, points])
    kept = non_dominated(doubled)
    assert kept.any()
    np.testing.assert_array_equal(kept[: len(points)], kept[len(points) :])


def test_an_unmeasured_row_is_not_on_the_front():
    assert non_dominated(np.array([[np.nan, 0.0], [1.0, 1.0]])).tolist() == [False, True]


def test_an_unknown_objective_names_the_columns():
    with pytest.raises(SearchError, match="objective 'latency' is no column; there are fpr, tpr"):
        pareto_front([{"fpr": 0.0, "tpr": 1.0}], minimise=("latency",))
