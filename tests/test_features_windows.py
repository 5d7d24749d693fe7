"""Windows: cut from the samples, described as if each were alone, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossicle.errors import FeatureError
from ossicle.features import MFCC, LogMel, window_lengths
from ossicle.features.windows import describe_windows


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
        ]
    ),
)
def test_windows_are_described_as_if_each_were_cut_out_alone(
    n_samples: int, length: int, hop_frames: int, odd_hop: int, block: int, kind: LogMel
) -> None:
    samples, hop = noise(n_samples), 64 * hop_frames + odd_hop
    blocks = [samples[first : first + block] for first in range(0, n_samples, block)]
    rows = list(describe_windows(blocks, kind, (length, hop)))
    padded = np.pad(samples, (0, max(0, length - n_samples)))
    starts = range(0, len(padded) - length + 1, hop)
    assert len(rows) == len(starts)
    for row, start in zip(rows, starts, strict=True):
        np.testing.assert_array_equal(row, kind(padded[start : start + length]))


def test_impossible_windows_are_refused() -> None:
    with pytest.raises(FeatureError, match="without a window"):
        window_lengths(LogMel(), None, 0.5)
    with pytest.raises(FeatureError, match="window=0 s at 16000 Hz"):
        window_lengths(LogMel(), 0.0)
    with pytest.raises(FeatureError, match="window_hop=-1 s"):
        window_lengths(LogMel(), 1.0, -1.0)
    assert window_lengths(LogMel(hop_length=512), 1.0) == (16_000, 16 * 512)
