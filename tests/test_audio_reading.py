"""Reading and writing sound files."""

import io
import signal
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ossicle.audio import (
    AudioInfo,
    info,
    read_audio,
    read_blocks,
    read_pcm,
    resample,
    write_audio,
)
from ossicle.errors import AudioError

LOSSLESS = ["wav", "flac", "aiff"]
LOSSY = ["ogg", "mp3", "opus"]


def rate_of(ending: str) -> int:
    return 48_000 if ending == "opus" else 44_100


def sweep(n_samples: int, sample_rate: int = 44_100) -> np.ndarray:
    """A rising tone with a little noise: no two places alike."""
    seconds = np.arange(n_samples) / sample_rate
    noise = np.random.default_rng(0).standard_normal(n_samples)
    return (0.4 * np.sin(2 * np.pi * 200 * seconds * (1 + seconds)) + 0.01 * noise).astype("f4")


@pytest.mark.parametrize("ending", LOSSLESS)
@pytest.mark.parametrize("n_channels", [1, 2, 6])
def test_lossless_formats_give_back_what_was_written(tmp_path, ending, n_channels):
    samples = np.stack([np.roll(sweep(5_000), 7 * i) for i in range(n_channels)])
    write_audio(tmp_path / f"a.{ending}", samples, 44_100)
    read, rate = read_audio(tmp_path / f"a.{ending}", mono=False)
    assert (read.shape, read.dtype, rate) == (samples.shape, np.float32, 44_100)
    np.testing.assert_allclose(read, samples, atol=1.6 / 32_768)


@pytest.mark.parametrize("ending", LOSSY)
def test_lossy_formats_keep_length_and_most_of_the_sound(tmp_path, ending):
    samples = sweep(2 * rate_of(ending))
    write_audio(tmp_path / f"a.{ending}", samples, rate_of(ending))
    read, _ = read_audio(tmp_path / f"a.{ending}")
    assert read.shape == samples.shape
    assert np.std(read - samples) < 0.1 * np.std(samples)


@pytest.mark.parametrize("ending", LOSSLESS + LOSSY)
def test_a_part_is_what_the_whole_has_there(tmp_path, ending):
    path, rate = tmp_path / f"a.{ending}", rate_of(ending)
    write_audio(path, sweep(4 * rate), rate)
    whole, _ = read_audio(path)
    part, _ = read_audio(path, start=1.25, end=2.5)
    first = round(1.25 * rate)
    np.testing.assert_allclose(part, whole[first : round(2.5 * rate)], atol=1e-6)


@pytest.mark.parametrize("ending", LOSSLESS + LOSSY)
def test_info_tells_what_reading_gives(tmp_path, ending):
    path, rate = tmp_path / f"a.{ending}", rate_of(ending)
    write_audio(path, np.stack([sweep(rate)] * 2), rate)
    found = info(path)
    assert (found.sample_rate, found.n_channels, found.n_samples) == (rate, 2, rate)
    assert found.duration == 1.0


def test_content_decides_and_not_the_ending(tmp_path):
    write_audio(tmp_path / "a.wav", sweep(1_000), 16_000)
    expected, _ = read_audio(tmp_path / "a.wav")
    for wrong in ("a.mp3", "a.raw", "a.vox", "a.txt", "a"):
        (tmp_path / wrong).write_bytes((tmp_path / "a.wav").read_bytes())
        np.testing.assert_array_equal(read_audio(tmp_path / wrong)[0], expected)


@pytest.mark.parametrize(
    ("subtype", "step"),
    [("PCM_U8", 2**-7), ("PCM_16", 2**-15), ("PCM_24", 2**-23), ("FLOAT", 0), ("DOUBLE", 1e-7)],
)
def test_every_sample_format_is_scaled_to_one(tmp_path, subtype, step):
    samples = sweep(1_000)
    write_audio(tmp_path / "a.wav", samples, 16_000, subtype=subtype)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav")[0], samples, atol=1.6 * step)


def test_mono_is_the_mean_of_the_channels(tmp_path):
    samples = np.stack([sweep(1_000), -sweep(1_000), np.full(1_000, 0.3, "f4")])
    write_audio(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav")[0], samples.mean(0), atol=1e-7)


def test_a_tone_at_192_khz_is_the_same_tone_at_16_khz(tmp_path):
    def tone(rate):
        return 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)

    write_audio(tmp_path / "a.wav", tone(192_000), 192_000, subtype="FLOAT")
    samples, rate = read_audio(tmp_path / "a.wav", sample_rate=16_000)
    assert (rate, samples.size) == (16_000, 16_000)
    np.testing.assert_allclose(samples[500:-500], tone(16_000)[500:-500], atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 192_000])
def test_a_file_of_one_sample_is_read(tmp_path, rate):
    write_audio(tmp_path / "a.wav", np.array([0.5]), rate)
    assert read_audio(tmp_path / "a.wav")[0] == pytest.approx(0.5, abs=1e-4)
    assert read_audio(tmp_path / "a.wav", sample_rate=16_000)[0].size >= 1
    assert [block.size for block in read_blocks(tmp_path / "a.wav")] == [1]


@given(
    block=st.floats(1e-3, 1.5),
    ending=st.sampled_from(["wav", "flac", "ogg"]),
    rate=st.sampled_from([None, 16_000, 44_100, 48_000]),
    part=st.sampled_from([(0.0, None), (0.31, None), (0.2, 0.9)]),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_blocks_joined_are_the_whole(tmp_path, block, ending, rate, part):
    path = tmp_path / f"a.{ending}"
    if not path.exists():
        write_audio(path, np.stack([sweep(50_000), 0.5 * sweep(50_000)]), 44_100)
    whole, whole_rate = read_audio(path, sample_rate=rate, start=part[0], end=part[1])
    blocks = list(read_blocks(path, block=block, sample_rate=rate, start=part[0], end=part[1]))
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert {each.size for each in blocks[:-1]} <= {round(block * whole_rate)}


def test_channels_are_resampled_each_alone(tmp_path):
    samples = np.stack([sweep(30_000), sweep(30_000)[::-1]])
    write_audio(tmp_path / "a.wav", samples, 44_100, subtype="FLOAT")
    read, _ = read_audio(tmp_path / "a.wav", sample_rate=16_000, mono=False)
    np.testing.assert_array_equal(read, resample(samples, 44_100, 16_000))


def test_a_stream_of_unknown_length_is_read_to_its_end(tmp_path):
    write_audio(tmp_path / "a.flac", sweep(100_000), 44_100)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0  # STREAMINFO: 36 bits of the number of samples; 0 is unknown
    data[22:26] = bytes(4)
    (tmp_path / "b.flac").write_bytes(data)
    np.testing.assert_array_equal(
        read_audio(tmp_path / "b.flac")[0], read_audio(tmp_path / "a.flac")[0]
    )
    assert info(tmp_path / "b.flac").n_samples == 100_000


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x80000000, 0x7FFFFFFF])
def test_a_wav_written_as_a_stream_is_read_to_its_end(tmp_path, size):
    write_audio(tmp_path / "a.wav", sweep(1_000), 16_000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[40:44] = size.to_bytes(4, "little")
    (tmp_path / "b.wav").write_bytes(data)
    assert read_audio(tmp_path / "b.wav")[0].size == 1_000


def test_five_seconds_of_fifteen_hours_cost_five_seconds(tmp_path):
    path = sparse_wav(tmp_path / "day.wav", hours=15)
    tracemalloc.start()
    samples, _ = read_audio(path, start=36_000.0, end=36_005.0)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples.size == 80_000
    assert peak_bytes < 4e6


def test_blocks_take_the_same_memory_whatever_the_length(tmp_path):
    def peak_bytes(hours: float) -> int:
        path = sparse_wav(tmp_path / f"{hours}.wav", hours=hours)
        tracemalloc.start()
        for _ in read_blocks(path, block=2.0, sample_rate=8_000):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(0.5) < 1.2 * peak_bytes(0.05)


def sparse_wav(path: Path, hours: float) -> Path:
    """A WAV of silence that takes no room on the disk."""
    n_bytes = round(hours * 3_600) * 32_000
    write_audio(path, np.zeros(1), 16_000)
    header = bytearray(path.read_bytes()[:44])
    header[4:8], header[40:44] = ((n + n_bytes).to_bytes(4, "little") for n in (36, 0))
    with path.open("wb") as file:
        file.write(header)
        file.truncate(44 + n_bytes)
    return path


@pytest.mark.parametrize(("block", "sizes"), [(0.002, [2, 2, 1]), (1.0, [5]), (0.001, [1] * 5)])
def test_raw_samples_come_in_blocks(block, sizes):
    values = np.array([0, 16_384, -32_768, 32_767, 1], "<i2")
    blocks = list(read_pcm(io.BytesIO(values.tobytes()), sample_rate=1_000, block=block))
    assert [each.size for each in blocks] == sizes
    np.testing.assert_array_equal(np.concatenate(blocks), values.astype("f4") / 32_768)


def test_raw_samples_survive_a_stream_that_trickles():
    class Trickle(io.BytesIO):
        def read(self, n_bytes=-1):
            return super().read(min(n_bytes, 3))

    values = np.arange(100, dtype="<i2")
    blocks = read_pcm(Trickle(values.tobytes() + b"\x01"), sample_rate=1_000, block=0.03)
    np.testing.assert_array_equal(np.concatenate(list(blocks)) * 32_768, values)


def test_writing_the_same_samples_gives_the_same_bytes(tmp_path):
    for ending in LOSSLESS:
        for name in "ab":
            write_audio(tmp_path / f"{name}.{ending}", sweep(5_000), 16_000)
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_writing_clips_and_does_not_wrap(tmp_path):
    write_audio(tmp_path / "a.wav", np.array([2.0, -2.0, 1.0]), 16_000)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav")[0], [1, -1, 1], atol=1e-4)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    write_audio(tmp_path / "a.wav", sweep(100), 16_000)
    before = (tmp_path / "a.wav").read_bytes()
    with pytest.raises(AudioError, match="cannot write"):
        write_audio(tmp_path / "a.wav", sweep(100), 16_000, subtype="VORBIS")
    assert (tmp_path / "a.wav").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(
    ("name", "samples", "rate", "match"),
    [
        ("a.m4a", np.zeros(9), 16_000, r"cannot write \.m4a; \.wav"),
        ("a", np.zeros(9), 16_000, "without an ending"),
        ("a.wav", np.zeros(0), 16_000, "at least one sample"),
        ("a.wav", np.zeros((2, 2, 2)), 16_000, r"shape \(2, 2, 2\)"),
        ("a.wav", np.array([np.nan]), 16_000, "NaN"),
        ("a.wav", np.zeros(9), 10, "10 Hz"),
        ("a.opus", np.zeros(9), 44_100, "cannot write"),
        ("a.flac", np.zeros((9, 9)), 16_000, "cannot write 9 channels"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, samples, rate, match):
    with pytest.raises(AudioError, match=match):
        write_audio(tmp_path / name, samples, rate)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(AudioError, match=r"a\.wav: cannot write.*disk full"):
            write_audio(tmp_path / "a.wav", sweep(100_000), 16_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


@pytest.mark.data
def test_real_recordings_are_read(recordings):
    paths = [
        path for path in sorted(recordings.rglob("*")) if path.suffix in (".flac", ".ogg", ".wav")
    ]
    assert paths
    for path in paths[:: max(1, len(paths) // 200)]:
        samples, _ = read_audio(path)
        assert samples.size == info(path).n_samples
        joined = np.concatenate(list(read_blocks(path, sample_rate=16_000)))
        np.testing.assert_array_equal(joined, read_audio(path, sample_rate=16_000)[0])


def test_info_is_a_plain_record(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((10, 2)), 8_000, subtype="PCM_24")
    assert info(tmp_path / "a.wav") == AudioInfo("WAV", "PCM_24", 8_000, 2, 10)
