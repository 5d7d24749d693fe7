"""Damaged, hostile and odd files: an AudioError that helps, never anything else."""

import io
import os
import time
import tracemalloc
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ossicle.audio import LIMITS, Limits, info, read_audio, read_blocks, write_audio
from ossicle.errors import AudioError

FORMATS = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAV", "IMA_ADPCM"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
    ("CAF", "PCM_16"),
    ("AU", "PCM_16"),
]
SERVED = Limits(max_duration=600.0, max_bytes=2**28)


def encoded(kind: str, subtype: str, n_samples: int = 3_000, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    tone = 0.3 * np.sin(np.arange(n_samples) * 0.05)
    soundfile.write(file, np.stack([tone, -tone], axis=1), rate, format=kind, subtype=subtype)
    return file.getvalue()


def refused(path, match, **options):
    """Both doors refuse, naming the file."""
    for read in (read_audio, lambda *a, **k: list(read_blocks(*a, **k))):
        with pytest.raises(AudioError, match=match) as caught:
            read(path, **options)
        assert path.name in str(caught.value)


mutations = st.lists(
    st.tuples(
        st.sampled_from(["set", "number", "delete", "insert", "cut"]),
        st.one_of(st.floats(0, 1), st.floats(0, 0.03)),
        st.one_of(
            st.sampled_from([0, 1, 7, 65_535, 2**31 - 1, 2**31, 2**32 - 1]),
            st.integers(0, 2**32 - 1),
        ),
    ),
    min_size=1,
    max_size=5,
)


def mutated(data: bytes, changes: list[tuple[str, float, int]]) -> bytes:
    for kind, fraction, value in changes:
        place = int(fraction * len(data))
        number = value.to_bytes(4, "little" if value % 2 else "big")
        data = {
            "set": data[:place] + bytes([value % 256]) + data[place + 1 :],
            "number": data[:place] + number + data[place + 4 :],
            "delete": data[:place] + data[place + value % 20 :],
            "insert": data[:place] + number * (value % 5) + data[place:],
            "cut": data[: max(place, 1)],
        }[kind]
    return data


def read_or_refused(path: Path) -> None:
    try:
        info(path)
        samples, _ = read_audio(path, sample_rate=16_000, limits=SERVED)
    except AudioError as error:
        message = str(error)
    else:
        message = str(path)
        assert (samples.dtype, samples.ndim) == (np.float32, 1)
        assert np.isfinite(samples).all()
    assert str(path) in message


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
@given(changes=mutations)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_mutated_file_is_read_or_refused(tmp_path, kind, subtype, changes):
    path = tmp_path / "mutated"
    path.write_bytes(mutated(encoded(kind, subtype), changes))
    read_or_refused(path)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
@given(changes=mutations)
@settings(
    max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_ten_thousand_mutated_files_are_read_or_refused(tmp_path, kind, subtype, changes):
    path = tmp_path / "mutated"
    path.write_bytes(mutated(encoded(kind, subtype), changes))
    read_or_refused(path)


def test_refused_files_are_closed(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(encoded("FLAC", "PCM_16")[:2_000])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        read_or_refused(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_wav_header_may_lie_about_anything(tmp_path):
    honest = encoded("WAV", "PCM_16", 200)
    path = tmp_path / "lie.wav"
    lies = product(
        (0, 1, 64, 65, 65_535),
        (0, 1, 16_000, 2**32 - 1),
        (0, 7, 16, 64),
        (0, 1, 801, 2**31 - 1, 2**32 - 1),
    )
    begin = time.perf_counter()
    for channels, rate, bits, size in lies:
        data = bytearray(honest)
        data[22:24], data[34:36] = (n.to_bytes(2, "little") for n in (channels, bits))
        data[24:28], data[40:44] = (n.to_bytes(4, "little") for n in (rate, size))
        path.write_bytes(data)
        try:
            samples, _ = read_audio(path)
        except AudioError:
            continue
        assert np.isfinite(samples).all()
    assert time.perf_counter() - begin < 400 * 0.01


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty"),
        (b"Dear diary, no sound here.\n", "looks like text.*WAV, FLAC.*are read"),
        (b"\0\0\0\x20ftypM4A " + bytes(99), "cannot be decoded.*damaged"),
        (b"\x1a\x45\xdf\xa3" + bytes(99), "cannot be decoded.*damaged"),
        (b"\xff\xf1\x50\x80" + bytes(99), "holds no samples"),
        (b"PK\x03\x04" + bytes(99), "zip archive.*unpack"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<html>404</html>", "web page.*download"),
        (np.random.default_rng(2).bytes(999), "nothing known here"),
        (b"RIFF\x24\0\0\0WAVE", "cannot be decoded.*damaged"),
        (b"fLaC", "cannot be decoded"),
        (b"OggS" + bytes(99), "cannot be decoded"),
        (b"\xff\xfb\x90" + bytes(99), "cannot be decoded"),
    ],
)
def test_what_is_no_sound_is_named(tmp_path, content, match):
    (tmp_path / "a.wav").write_bytes(content)
    refused(tmp_path / "a.wav", match)


def test_places_without_a_sound_are_named(tmp_path):
    refused(tmp_path, "is a folder")
    refused(tmp_path / "missing.wav", "no such file")
    os.mkfifo(tmp_path / "pipe.wav")
    refused(tmp_path / "pipe.wav", "device or pipe.*read_pcm")


def test_names_no_disk_could_hold_are_refused(tmp_path):
    refused(tmp_path / ("a" * 300 + ".wav"), "cannot be opened.*too long")
    refused(tmp_path / "a\0.wav", "null byte")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(encoded("WAV", "PCM_16"))
    (tmp_path / "a.wav").chmod(0)
    refused(tmp_path / "a.wav", "Permission denied")


@pytest.mark.parametrize("ending", ["wav", "aiff", "flac", "mp3"])
def test_a_file_cut_in_half_is_refused(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    write_audio(path, np.random.default_rng(0).uniform(-0.5, 0.5, 100_000), 44_100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "cut off")


def test_a_wav_without_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 16_000)
    refused(tmp_path / "a.wav", "no samples")
    with pytest.raises(AudioError, match="no samples"):
        info(tmp_path / "a.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_values_that_are_no_sound_are_refused_with_their_time(tmp_path, value):
    samples = np.zeros((30_000, 2), np.float32)
    samples[20_000, 1] = value
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    refused(tmp_path / "a.wav", r"at 1\.2500 s; finite")
    assert read_audio(tmp_path / "a.wav", end=1.25)[0].size == 20_000


def test_denormals_and_full_scale_are_sound(tmp_path):
    samples = np.array([1e-42, -1e-42, 1.0, -1.0, 32_768.0] * 100, np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav")[0], samples)


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2**31 - 1])
def test_a_rate_bomb_is_refused_before_resampling(tmp_path, rate):
    data = bytearray(encoded("WAV", "PCM_16"))
    data[24:28] = rate.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    refused(tmp_path / "a.wav", rf"rate of {rate} Hz.*1000 to 768000", sample_rate=16_000)


@pytest.mark.parametrize("rate", [0, -1, 999, 10**9, 16_000.5, float("nan"), float("inf")])
def test_a_wanted_rate_outside_the_limits_is_refused(tmp_path, rate):
    (tmp_path / "a.wav").write_bytes(encoded("WAV", "PCM_16"))
    with pytest.raises(AudioError, match="sample_rate"):
        read_audio(tmp_path / "a.wav", sample_rate=rate)


def test_more_than_64_channels_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((10, 65)), 16_000)
    refused(tmp_path / "a.wav", "65 channels; 1 to 64")


@pytest.mark.parametrize("honest", [True, False], ids=["promised", "found while decoding"])
@pytest.mark.parametrize(
    ("limits", "match"),
    [
        (Limits(max_duration=5.0), "more than the 5 s allowed"),
        (Limits(max_bytes=2**22), "more than the 4 MiB"),
    ],
)
def test_a_bomb_is_refused_at_its_limit(tmp_path, limits, match, honest):
    soundfile.write(tmp_path / "a.flac", np.zeros((60 * 48_000, 4), "f4"), 48_000)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    if not honest:
        data[21] &= 0xF0
        data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    tracemalloc.start()
    with pytest.raises(AudioError, match=match):
        read_audio(tmp_path / "a.flac", sample_rate=16_000, limits=limits)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 2**23


def test_the_output_of_resampling_counts_too(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(10_000), 1_000)
    with pytest.raises(AudioError, match="more than the 1 MiB"):
        read_audio(tmp_path / "a.wav", sample_rate=768_000, limits=Limits(max_bytes=2**20))
    assert LIMITS.max_bytes == 2**32


@pytest.mark.parametrize(
    ("part", "match"),
    [
        ({"start": 2.0, "end": 1.0}, "nothing between 2 s and 1 s"),
        ({"start": 1.0}, r"nothing from 1 s on.*lasts 1\.00 s"),
        ({"start": -1.0}, "0 <= start"),
        ({"start": float("nan")}, "0 <= start"),
        ({"end": float("nan")}, "0 <= start"),
        ({"end": 500.0}, r"end 500 s is after its end at 1\.00 s.*milliseconds"),
    ],
)
def test_a_part_that_is_not_there_is_refused(tmp_path, part, match):
    write_audio(tmp_path / "a.wav", np.ones(16_000), 16_000)
    refused(tmp_path / "a.wav", match, **part)


def test_a_rounded_end_is_forgiven(tmp_path):
    write_audio(tmp_path / "a.wav", np.ones(16_000), 16_000)
    assert read_audio(tmp_path / "a.wav", end=1.01)[0].size == 16_000


@pytest.mark.parametrize("block", [0.0, -1.0, 1e-9, float("nan"), float("inf")])
def test_a_block_of_nothing_is_refused(tmp_path, block):
    write_audio(tmp_path / "a.wav", np.ones(100), 16_000)
    with pytest.raises(AudioError, match="at least one sample"):
        list(read_blocks(tmp_path / "a.wav", block=block))
