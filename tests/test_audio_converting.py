"""Sound files into others: nothing lost, nothing half, constant memory."""

import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ossicle.audio import (
    Conversion,
    audio_writer,
    convert_audio,
    info,
    read_audio,
    read_blocks,
    write_audio,
)
from ossicle.errors import AudioError

RATE = 8_000


def sides(n_samples: int) -> np.ndarray:
    """Two channels of whole 16-bit steps."""
    rng = np.random.default_rng(0)
    return (rng.integers(-20_000, 20_000, (2, n_samples)) / 32_768).astype("f4")


@given(
    n_samples=st.integers(200, 30_000),
    cut=st.floats(0.05, 3.0),
    share=st.floats(0.0, 1.0),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_clips_joined_are_the_sound_up_to_a_rest_that_is_too_short(
    tmp_path, n_samples, cut, share
):
    write_audio(tmp_path / "a.wav", sides(n_samples), RATE)
    conversion = Conversion(mono=False, cut=cut, shortest=share * cut)
    n_cut, n_least = round(cut * RATE), max(1, round(share * cut * RATE))
    rest = n_samples % n_cut
    n_wanted = n_samples if rest == 0 or rest >= n_least else n_samples - rest
    if not n_wanted:
        with pytest.raises(AudioError, match="shorter than"):
            convert_audio(tmp_path / "a.wav", tmp_path / "b.wav", conversion)
        return
    pieces = convert_audio(tmp_path / "a.wav", tmp_path / "b.wav", conversion)
    parts = [read_audio(piece.path, mono=False)[0] for piece in pieces]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), sides(n_samples)[:, :n_wanted])
    assert [piece.start for piece in pieces] == pytest.approx(np.arange(len(pieces)) * n_cut / RATE)
    assert pieces[-1].end == pytest.approx(n_wanted / RATE)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_rate_channels_and_format_become_what_was_asked(tmp_path, ending):
    write_audio(tmp_path / "a.wav", sides(44_100), 44_100)
    conversion = Conversion(sample_rate=16_000)
    (piece,) = convert_audio(tmp_path / "a.wav", tmp_path / f"b.{ending}", conversion)
    about = info(piece.path)
    assert (about.sample_rate, about.n_channels, about.n_samples) == (16_000, 1, 16_000)
    expected, _ = read_audio(tmp_path / "a.wav", sample_rate=16_000)
    if ending != "ogg":
        np.testing.assert_allclose(read_audio(piece.path)[0], expected, atol=1.01 / 32_768)


def test_a_part_is_converted_alone_and_its_times_are_the_sources(tmp_path):
    write_audio(tmp_path / "a.wav", sides(5 * RATE), RATE)
    conversion = Conversion(mono=False, cut=1.0)
    pieces = convert_audio(tmp_path / "a.wav", tmp_path / "b.wav", conversion, start=1.5, end=3.75)
    assert [(piece.start, piece.end) for piece in pieces] == [(1.5, 2.5), (2.5, 3.5), (3.5, 3.75)]
    samples, _ = read_audio(pieces[1].path, mono=False)
    np.testing.assert_array_equal(samples, sides(5 * RATE)[:, 20_000:28_000])


def test_blocks_keep_the_channels_when_asked(tmp_path):
    write_audio(tmp_path / "a.wav", sides(20_001), RATE)
    blocks = list(read_blocks(tmp_path / "a.wav", block=0.7, mono=False))
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), sides(20_001))
    assert {block.shape for block in blocks[:-1]} == {(2, 5_600)}


def test_a_file_that_breaks_off_leaves_none_of_its_clips(tmp_path):
    samples = np.zeros((30 * RATE, 1), np.float32)
    samples[20 * RATE] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="finite"):
        convert_audio(tmp_path / "a.wav", tmp_path / "out" / "b.wav", Conversion(cut=1.0))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("cut", [None, 2.0])
def test_memory_does_not_grow_with_the_sound(tmp_path, cut):
    peaks = []
    for seconds in (30, 240):
        write_audio(tmp_path / "a.wav", np.zeros((2, seconds * 16_000), np.float32), 16_000)
        tracemalloc.start()
        convert_audio(tmp_path / "a.wav", tmp_path / "b.wav", Conversion(cut=cut, shortest=1.0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 2**16


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ({"cut": 0.0}, "clips of 0.0 s"),
        ({"cut": np.nan}, "clips of nan s"),
        ({"cut": np.inf}, "clips of inf s"),
        ({"shortest": -1.0}, "shortest clip of -1.0 s"),
        ({"cut": 1.0, "shortest": 2.0}, "shortest clip of 2.0 s; from 0 to the 1 s"),
        ({"sample_rate": 44.1}, "sample_rate of 44.1 Hz"),
    ],
)
def test_a_conversion_that_cannot_be_is_refused(setting, match):
    with pytest.raises(AudioError, match=match):
        Conversion(**setting)


def test_a_writer_that_fails_leaves_no_file(tmp_path):
    with (
        pytest.raises(AudioError, match="NaN"),
        audio_writer(tmp_path / "a.wav", RATE, 1) as write,
    ):
        write(np.zeros(10))
        write(np.array([np.nan]))
    assert list(tmp_path.iterdir()) == []
