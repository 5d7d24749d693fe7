"""Windows: cut from the samples, described as if each were alone, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.audio import level
from ossicle.errors import FeatureError
from ossicle.features import MFCC, FrontEnd, LogMel, ShortTerm, WindowCutter, window_lengths


def noise(n_samples: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(n_samples)).astype(np.float32)


@given(
    n_samples=st.integers(1, 9_000),
    length=st.integers(1, 4_000),
    hop_frames=st.integers(1, 30),
    odd_hop=st.integers(0, 1),
    block=st.integers(1, 5_000),
    kind=st.sampled_from(
        [
            LogMel(n_mels=8, n_fft=128, hop_length=64),
            LogMel(n_mels=8, n_fft=128, hop_length=64, center=True),
            MFCC(n_mels=8, n_mfcc=5, n_fft=128, hop_length=64, top_db=10.0, deltas=1),
            LogMel(n_mels=8, n_fft=128, hop_length=64, window_scaling="standard"),
            ShortTerm(n_fft=128, hop_length=64, deltas=True),
            ShortTerm(n_fft=256, hop_length=64, compat="pyaudioanalysis"),
        ]
    ),
)
def test_windows_are_described_as_if_each_were_cut_out_alone(
    n_samples: int, length: int, hop_frames: int, odd_hop: int, block: int, kind: FrontEnd
) -> None:
    samples, hop = noise(n_samples), min(length, 64 * hop_frames + odd_hop)
    rate = kind.sample_rate
    cutter = WindowCutter(kind, window=length / rate, window_hop=hop / rate)
    blocks = [samples[first : first + block] for first in range(0, n_samples, block)]
    pieces = [piece for block in blocks for piece in cutter.push(block)] + cutter.finish()
    padded = np.pad(samples, (0, max(0, length - n_samples)))
    starts = range(0, len(padded) - length + 1, hop)
    assert [piece.window.start for piece in pieces] == [start / rate for start in starts]
    for piece, start in zip(pieces, starts, strict=True):
        alone = kind(padded[start : start + length])
        np.testing.assert_array_equal(kind.finish(piece.frames), alone)
        assert piece.level == level(samples[start : start + length])


@given(length=st.integers(1, 4_000), hop_length=st.integers(1, 4_000), rate=st.integers(1, 96_000))
def test_half_a_window_is_whole_frames_and_the_same_when_given_again(
    length: int, hop_length: int, rate: int
) -> None:
    front_end = LogMel(sample_rate=rate, n_mels=2, hop_length=hop_length, fmin=0.0)
    lengths = window_lengths(front_end, length / rate)
    assert lengths is not None
    assert lengths[0] == length
    assert 0 < lengths[1] <= length
    assert lengths[1] % hop_length == 0 or lengths[1] == length < hop_length
    assert window_lengths(front_end, length / rate, lengths[1] / rate) == lengths


def test_impossible_windows_are_refused() -> None:
    with pytest.raises(FeatureError, match="without a window"):
        window_lengths(LogMel(), None, 0.5)
    with pytest.raises(FeatureError, match="window=0 s at 16000 Hz"):
        window_lengths(LogMel(), 0.0)
    with pytest.raises(FeatureError, match="window_hop=-1 s"):
        window_lengths(LogMel(), 1.0, -1.0)
    for hop in (0.0, float("nan"), float("inf")):
        with pytest.raises(FeatureError, match="window_hop="):
            window_lengths(LogMel(), 1.0, hop)
    with pytest.raises(FeatureError, match=r"window_hop=1\.5 s leaves gaps between windows of 1 s"):
        window_lengths(LogMel(), 1.0, 1.5)
    assert window_lengths(LogMel(hop_length=512), 1.0) == (16_000, 16 * 512)
