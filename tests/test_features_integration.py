"""Integration and scaling: plain statistics, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from ossicle.errors import FeatureError
from ossicle.features import (
    INTEGRATIONS,
    LogMel,
    Scaler,
    front_end,
    integrate,
    integrate_rows,
    integrated_size,
)


def frames(n_frames: int, n_bands: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (20 * rng.standard_normal((n_frames, n_bands)) - 60).astype(np.float32)


def test_mean_and_variance_are_numpys() -> None:
    matrix = frames(500)
    np.testing.assert_allclose(integrate(matrix, "mean"), matrix.mean(axis=0, dtype=float), 1e-6)
    np.testing.assert_allclose(integrate(matrix)[6:], matrix.var(axis=0, dtype=float), rtol=1e-6)


def test_spread_and_extremes_are_numpys() -> None:
    matrix = frames(80)
    found = integrate(matrix, "std+min+max").reshape(3, 6)
    np.testing.assert_allclose(found[0], matrix.std(axis=0, dtype=float), rtol=1e-6)
    np.testing.assert_array_equal(found[1:], [matrix.min(axis=0), matrix.max(axis=0)])


def test_change_is_the_mean_step_over_1_4_and_16_frames() -> None:
    ramp = np.arange(100, dtype=np.float32)[:, None] * [2.0, -1.0]
    np.testing.assert_allclose(integrate(ramp, "change"), [2, 1, 8, 4, 32, 16])


def test_change_over_more_frames_than_there_are_takes_the_furthest() -> None:
    ramp = np.arange(3, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(integrate(ramp, "change"), [1, 2, 2])


def test_parts_keep_the_order_of_a_sound() -> None:
    ramp = np.arange(10, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(integrate(ramp, "parts"), [0.5, 2.5, 4.5, 6.5, 8.5])
    np.testing.assert_array_equal(integrate(ramp[:2], "parts"), [0, 0, 0.5, 1, 1])


def test_the_other_statistics_are_numpys() -> None:
    matrix = frames(500)
    for how, expected in {
        "var": matrix.var(axis=0, dtype=float),
        "std": matrix.std(axis=0, dtype=float),
        "min": matrix.min(axis=0),
        "max": matrix.max(axis=0),
        "parts": matrix.reshape(5, 100, 6).mean(axis=1, dtype=float).ravel(),
    }.items():
        np.testing.assert_allclose(integrate(matrix, how), expected, rtol=1e-6)


def test_change_is_the_mean_step_over_one_four_and_sixteen_frames() -> None:
    ramp = np.arange(100, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(integrate(ramp, "change"), [1, 4, 16])
    np.testing.assert_array_equal(integrate(ramp[:3], "change"), [1, 2, 2])
    np.testing.assert_array_equal(integrate(ramp[:1], "change"), [0, 0, 0])


def test_percentiles_are_numpys() -> None:
    for n_frames in (1, 2, 7, 500):
        matrix = frames(n_frames)
        shares = {"p10": 10, "p25": 25, "median": 50, "p75": 75, "p90": 90}
        for how, share in shares.items():
            expected = np.percentile(matrix.astype(float), share, axis=0)
            np.testing.assert_allclose(integrate(matrix, how), expected, rtol=1e-6)
        np.testing.assert_array_equal(
            integrate(matrix, "percentiles"), integrate(matrix, "+".join(shares))
        )


def test_slope_is_the_steepness_of_the_fitted_line() -> None:
    matrix = frames(80)
    expected = np.polyfit(np.arange(80), matrix.astype(float), 1)[0]
    np.testing.assert_allclose(integrate(matrix, "slope"), expected, rtol=1e-4)
    ramp = np.arange(9, dtype=np.float32)[:, None] * [2.0, -1.0]
    np.testing.assert_allclose(integrate(ramp, "slope"), [2, -1])


@pytest.mark.parametrize("n_frames", [3, 63, 64, 400, 1_200])
def test_modulation_splits_the_variance_by_period(n_frames: int) -> None:
    matrix = np.diff(frames(n_frames + 1), axis=0)
    octaves = integrate(matrix, "modulation").reshape(8, 6)
    slow = np.abs(np.fft.rfft(matrix, axis=0))[1 : n_frames // 512 + 1]
    rest = 2 * (slow**2).sum(axis=0) / n_frames**2
    np.testing.assert_allclose((octaves**4).sum(axis=0) + rest, matrix.var(axis=0), rtol=1e-4)


@pytest.mark.parametrize(
    ("period", "octave"), [(2, 0), (3, 0), (5, 1), (10, 2), (20, 3), (40, 4), (400, 7)]
)
def test_modulation_of_one_period_lies_in_its_octave(period: int, octave: int) -> None:
    course = 3 * np.cos(2 * np.pi * np.arange(1_200) / period)[:, None] - 60
    found = integrate(course, "modulation")
    assert found.argmax() == octave
    np.testing.assert_allclose(found[octave], course.std() ** 0.5, rtol=1e-6)
    np.testing.assert_allclose(np.delete(found, octave), 0, atol=1e-3)


def test_statistics_are_joined_in_the_order_they_are_named() -> None:
    matrix = frames(50)
    joined = np.concatenate([integrate(matrix, "max"), integrate(matrix, "mean")])
    np.testing.assert_array_equal(integrate(matrix, "max+mean"), joined)


def test_stack_keeps_the_frames_in_order() -> None:
    np.testing.assert_array_equal(integrate(frames(3), "stack"), frames(3).ravel())


def test_a_constant_band_has_no_variance() -> None:
    matrix = np.full((1_000, 3), -100.1, np.float32)
    np.testing.assert_array_equal(
        integrate(matrix, "meanvar"), [*[np.float32(-100.1)] * 3, 0, 0, 0]
    )


@pytest.mark.parametrize("how", INTEGRATIONS)
def test_one_frame_can_be_integrated(how: str) -> None:
    assert np.isfinite(integrate(frames(1), how)).all()


@given(n_frames=st.integers(1, 50), n_bands=st.integers(1, 9), how=st.sampled_from([*INTEGRATIONS]))
def test_vectors_are_as_long_as_foretold(n_frames: int, n_bands: int, how: str) -> None:
    vector = integrate(frames(n_frames, n_bands), how)
    assert vector.dtype == np.float32
    assert vector.shape == (integrated_size(n_frames, n_bands, how),)


@pytest.mark.parametrize("how", ["mean", "meanvar"])
def test_rows_are_integrated_as_each_alone(how: str) -> None:
    offsets = [0, 1, 30, 31, 400]
    matrix = frames(400)
    rows = integrate_rows(matrix, offsets, how)
    for row, first, last in zip(rows, offsets[:-1], offsets[1:], strict=True):
        np.testing.assert_array_equal(row, integrate(matrix[first:last], how))


def test_stacking_windows_of_different_lengths_is_refused() -> None:
    with pytest.raises(
        FeatureError, match=r"integration 'stack' makes vectors of 6 to 18 numbers.*1 to 3 frames"
    ):
        integrate_rows(frames(4), [0, 1, 4], "stack")


def test_no_rows_give_an_empty_matrix() -> None:
    assert integrate_rows(frames(4), [0], "mean").shape == (0, 0)


def test_unknown_integrations_and_shapes_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"no integration 'meanvra'; did you mean 'meanvar'"):
        integrate(frames(3), "meanvra")
    with pytest.raises(FeatureError, match=r"shape \(0, 6\).*at least one frame"):
        integrate(frames(0))
    with pytest.raises(FeatureError, match=r"needed: "):
        integrate(np.zeros(5))


@given(n_rows=st.integers(1, 60), n=st.integers(1, 12), seed=st.integers(0, 99))
def test_scaler_equals_scikit_learn_to_the_last_bit(n_rows: int, n: int, seed: int) -> None:
    matrix = frames(n_rows, n, seed)
    matrix[:, 0] = 0.1
    ours, theirs = Scaler.fit(matrix), StandardScaler().fit(matrix)
    np.testing.assert_array_equal(ours.mean, theirs.mean_)
    np.testing.assert_array_equal(ours.scale, theirs.scale_)
    np.testing.assert_array_equal(ours(matrix), theirs.transform(matrix))


def test_constant_columns_stay_finite() -> None:
    scaler = Scaler.fit(np.full((50, 2), -99.9, np.float32))
    np.testing.assert_array_equal(scaler.scale, [1.0, 1.0])
    assert np.isfinite(scaler(np.full((3, 2), 5.0, np.float32))).all()


def test_a_vector_is_scaled_like_the_row_of_a_matrix() -> None:
    matrix = frames(20)
    scaler = Scaler.fit(matrix)
    np.testing.assert_array_equal(scaler(matrix[3]), scaler(matrix)[3])


def test_unfit_matrices_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"column 1 has values that are not finite"):
        Scaler.fit([[0.0, np.nan]])
    with pytest.raises(FeatureError, match=r"shape \(0, 3\)"):
        Scaler.fit(np.zeros((0, 3)))
    with pytest.raises(FeatureError, match=r"do not fit a scaler of 6 columns"):
        Scaler.fit(frames(3))(np.zeros((2, 5)))


# ---- scaling by band and by window ----


def test_statistics_of_bands_are_those_of_all_their_frames() -> None:
    windows = frames(120).reshape(30, 4 * 6)
    scaler, plain = Scaler.fit(windows, n_bands=6), StandardScaler().fit(windows.reshape(-1, 6))
    np.testing.assert_array_equal(scaler.mean, np.tile(plain.mean_, 4))
    np.testing.assert_array_equal(scaler.scale, np.tile(plain.scale_, 4))


@given(fold=st.integers(0, 4), n_bands=st.sampled_from([None, 1, 2, 3, 6, 12]))
def test_a_fold_is_scaled_by_its_own_training_part_alone(fold: int, n_bands: int | None) -> None:
    matrix = frames(50, 12)
    train = np.flatnonzero(np.arange(50) % 5 != fold)
    changed = matrix.copy()
    changed[np.arange(50) % 5 == fold] = 1e6
    ours = Scaler.fit(changed[train], n_bands=n_bands)
    fresh = Scaler.fit(matrix[train].copy(), n_bands=n_bands)
    np.testing.assert_array_equal(ours.mean, fresh.mean)
    np.testing.assert_array_equal(ours.scale, fresh.scale)
    shared = ours(matrix[train]).astype(float).reshape(-1, 12 if n_bands is None else n_bands)
    np.testing.assert_allclose(shared.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(shared.std(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("n_bands", [0, -6, 5, 12])
def test_bands_that_do_not_fill_the_columns_are_refused(n_bands: int) -> None:
    with pytest.raises(FeatureError, match=rf"n_bands={n_bands} do not fill 6 columns evenly"):
        Scaler.fit(frames(9), n_bands=n_bands)


def test_a_window_scaled_by_itself_has_no_mean_and_unit_spread() -> None:
    samples = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    samples *= np.linspace(0.1, 1, 16_000, dtype=np.float32)
    plain = LogMel(n_mels=8)(samples)
    centred = LogMel(n_mels=8, window_scaling="mean")(samples)
    scaled = LogMel(n_mels=8, window_scaling="standard")(samples)
    assert centred.dtype == scaled.dtype == np.float32
    np.testing.assert_allclose(centred, plain - plain.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(plain), atol=1e-4)


def test_a_window_without_change_is_scaled_to_nothing() -> None:
    for how in ("mean", "standard"):
        assert not LogMel(n_mels=8, window_scaling=how)(np.zeros(16_000)).any()


def test_gain_of_a_microphone_does_not_change_windows_scaled_by_themselves() -> None:
    samples = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    front_end = LogMel(n_mels=8, window_scaling="mean")
    np.testing.assert_allclose(front_end(0.1 * samples), front_end(samples), atol=1e-4)


def test_window_scaling_is_described_where_there_is_one_alone() -> None:
    assert "window_scaling" not in LogMel().describe()
    scaled = LogMel(window_scaling="mean")
    assert scaled.describe()["window_scaling"] == "mean"
    assert front_end(scaled.describe()) == scaled != LogMel()
    with pytest.raises(FeatureError, match="window_scaling='max' is unknown; allowed: mean"):
        LogMel(window_scaling="max")
