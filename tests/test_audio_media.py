"""M4A, MP4, WebM, WMA and the like, by PyAV: the same answers and refusals as for every sound."""

import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from test_audio_faults import mutated, mutations, read_or_refused

from ossicle.audio import Limits, info, level, read_audio, read_blocks
from ossicle.errors import AudioError, UnavailableError

av = pytest.importorskip("av")

LOSSY = {
    "m4a": ("ipod", "aac", {}),
    "fragments.mp4": ("mp4", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    "webm": ("webm", "libopus", {}),
    "live.webm": ("webm", "libopus", {"live": "1"}),
    "aac": ("adts", "aac", {}),
    "wma": ("asf", "wmav2", {}),
    "wv": ("wv", "wavpack", {}),
}
LOSSLESS = {
    "mov": ("mov", "pcm_s16le", {}),
    "alac.m4a": ("ipod", "alac", {}),
    "mka": ("matroska", "flac", {}),
}
KINDS = LOSSY | LOSSLESS
RATE = 48_000
TELLING = ["m4a", "webm", "wma", "mov", "alac.m4a", "mka", "wv"]
"""Kinds whose header tells how long they are."""


def frames_of(samples: np.ndarray, rate: int) -> Iterator:
    for place in range(0, samples.shape[1], 4_096):
        piece = np.ascontiguousarray(samples[:, place : place + 4_096], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(piece, "fltp", "stereo" if len(piece) == 2 else "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, place, Fraction(1, rate)
        yield frame
    yield None


def encode(path: Path, samples: np.ndarray, kind: str, rate: int = RATE, **extra: str) -> Path:
    """The samples, shape (n_channels, n_samples), written by FFmpeg."""
    form, codec, options = KINDS[kind]
    with av.open(str(path), "w", format=form, options={**options, **extra}) as container:
        layout = "stereo" if len(samples) == 2 else "mono"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 128_000
        for frame in frames_of(samples, rate):
            container.mux(stream.encode(frame))
    return path


def sides(seconds: float = 1.0) -> np.ndarray:
    """Two channels of whole 16-bit steps that have little in common."""
    clock = np.arange(round(seconds * RATE)) / RATE
    left = 0.4 * np.sin(2 * np.pi * 500 * clock)
    right = 0.2 * np.sin(2 * np.pi * 3_100 * clock) * (clock % 0.5 < 0.25)
    return np.round(np.stack([left, right]) * 32_768) / 32_768


@pytest.fixture(scope="module", params=KINDS)
def sound(request, tmp_path_factory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("media")
    return encode(folder / f"sound.{request.param}", sides(), request.param), request.param


def test_info_whole_and_blocks_agree(sound):
    path, _ = sound
    about, (samples, rate) = info(path), read_audio(path)
    assert (rate, about.sample_rate, about.n_channels) == (RATE, RATE, 2)
    assert about.n_samples == samples.size
    joined = np.concatenate(list(read_blocks(path, block=0.13)))
    np.testing.assert_array_equal(joined, samples)
    assert about.duration == pytest.approx(1.0, abs=0.06)


def test_mono_is_the_mean_of_the_channels_as_everywhere(sound, tmp_path):
    path, kind = sound
    soundfile.write(tmp_path / "a.wav", sides().T, RATE, subtype="PCM_16")
    expected, _ = read_audio(tmp_path / "a.wav")
    samples, _ = read_audio(path)
    both, _ = read_audio(path, mono=False)
    np.testing.assert_allclose(samples, both.mean(axis=0), atol=1e-6)
    assert level(samples) == pytest.approx(level(expected), abs=0.3)
    if kind in LOSSLESS:
        np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("kind", ["m4a", "webm"])
def test_two_equal_channels_are_not_3_decibels_louder_in_mono(kind, tmp_path):
    one = sides()[:1]
    path = encode(tmp_path / f"equal.{kind}", np.repeat(one, 2, axis=0), kind)
    assert level(read_audio(path)[0]) == pytest.approx(level(one), abs=0.1)
    mixer = av.AudioResampler(format="flt", layout="mono")
    with av.open(str(path)) as container:
        mixed = [out.to_ndarray() for f in container.decode(audio=0) for out in mixer.resample(f)]
    trap = level(np.concatenate(mixed, axis=1)) - level(one)
    assert trap == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("kind", ["m4a", "webm", "mka"])
def test_a_click_stays_where_it_was(kind, tmp_path):
    click = np.zeros((1, RATE))
    click[0, 24_000:24_050] = 0.8
    samples, _ = read_audio(encode(tmp_path / f"click.{kind}", click, kind))
    centre = np.average(np.arange(samples.size), weights=samples.astype("f8") ** 2)
    assert centre == pytest.approx(24_025, abs=0.001 * RATE)


@pytest.mark.parametrize("n_samples", [20_000, 48_000, 70_001])
def test_padding_at_the_end_is_cut(n_samples, tmp_path):
    for kind, told in {"m4a": 0.001, "webm": 0.0}.items():
        noise = np.random.default_rng(0).uniform(-0.3, 0.3, (1, n_samples))
        about = info(encode(tmp_path / f"long.{kind}", noise, kind))
        assert about.n_samples == pytest.approx(n_samples, abs=told * RATE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_is_what_the_whole_has_there(kind, tmp_path):
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (1, 6 * RATE))
    path = encode(tmp_path / f"long.{kind}", noise, kind)
    whole, _ = read_audio(path)
    for start, end in ((0.0, 0.5), (0.777, 1.2), (4.321, 5.5), (5.9, None)):
        part, _ = read_audio(path, start=start, end=end)
        expected = whole[round(start * RATE) : None if end is None else round(end * RATE)]
        np.testing.assert_allclose(part, expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_is_not_there_is_refused(kind, tmp_path):
    path = encode(tmp_path / f"short.{kind}", sides(), kind)
    for part in ({"start": 3.0}, {"end": 3.0}, {"start": -1.0}, {"start": 2.0, "end": 1.0}):
        with pytest.raises(AudioError, match=path.name):
            read_audio(path, **part)


@pytest.mark.parametrize("kind", [*TELLING, "aac"])
def test_a_file_cut_in_half_is_refused(kind, tmp_path):
    path = encode(tmp_path / f"cut.{kind}", sides(4.0), kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match="cut off"):
        read_audio(path)


def test_an_m4a_cut_behind_its_index_is_refused(tmp_path):
    path = encode(tmp_path / "front.m4a", sides(4.0), "m4a", movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for read in (info, read_audio):
        with pytest.raises(AudioError, match="cut off"):
            read(path)


@pytest.mark.parametrize("kind", KINDS)
@given(changes=mutations)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_mutated_file_is_read_or_refused_in_time(tmp_path, kind, changes):
    path = tmp_path / "mutated"
    if not (tmp_path / "whole").exists():
        encode(tmp_path / "whole", sides(0.2), kind)
    path.write_bytes(mutated((tmp_path / "whole").read_bytes(), changes))
    begin = time.perf_counter()
    read_or_refused(path)
    assert time.perf_counter() - begin < 5.0


@pytest.mark.parametrize("kind", ["m4a", "webm"])
def test_limits_hold_while_decoding(kind, tmp_path):
    path = encode(tmp_path / f"long.{kind}", sides(4.0), kind)
    with pytest.raises(AudioError, match="more than the 2 s allowed"):
        read_audio(path, limits=Limits(max_duration=2.0))
    with pytest.raises(AudioError, match="sample rate of 48000 Hz"):
        read_audio(path, limits=Limits(max_rate=44_100))


def test_a_film_without_sound_is_refused(tmp_path):
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="no sound track"):
        read_audio(tmp_path / "film.mp4")


def test_a_coding_that_is_not_known_is_refused(tmp_path):
    path = encode(tmp_path / "odd.webm", sides(), "webm")
    path.write_bytes(path.read_bytes().replace(b"A_OPUS", b"A_ODDS"))
    with pytest.raises(AudioError, match="a coding that PyAV does not know"):
        read_audio(path)


def test_a_seek_out_of_a_damaged_file_prints_nothing(tmp_path, capfd):
    path = encode(tmp_path / "odd.m4a", sides(), "m4a")
    data = path.read_bytes()
    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + b"\xff\xff\xff\xf0" + data[place + 4 :])
        read_or_refused(path)
    assert capfd.readouterr() == ("", "")


def test_a_playlist_that_claims_to_be_a_film_opens_nothing_else(tmp_path):
    encode(tmp_path / "secret.m4a", sides(), "m4a")
    playlist = b"\0\0\0\x18ftyp#EXTM3U\n#EXTINF:1,\nfile:" + str(tmp_path / "secret.m4a").encode()
    (tmp_path / "list.mp4").write_bytes(playlist)
    with pytest.raises(AudioError, match="cannot be decoded"):
        read_audio(tmp_path / "list.mp4")


def untagged_mp3(path: Path, samples: np.ndarray, *, constant: bool = False) -> None:
    """MP3 without the tag that tells the length, as recorders write it."""
    options = {"write_xing": "0", "id3v2_version": "0"}
    with av.open(str(path), "w", format="mp3", options=options) as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = 128_000
        if not constant:
            stream.codec_context.flags |= av.codec.context.Flags.qscale
            stream.codec_context.global_quality = 2 * 118
        for frame in frames_of(samples, RATE):
            container.mux(stream.encode(frame))


def test_an_mp3_of_variable_bit_rate_without_a_tag_is_read_to_its_end(tmp_path):
    loud = np.random.default_rng(0).uniform(-0.3, 0.3, 10 * RATE)
    untagged_mp3(tmp_path / "a.mp3", np.concatenate([loud, np.zeros(20 * RATE)])[np.newaxis])
    assert soundfile.info(tmp_path / "a.mp3").duration < 20.0
    assert info(tmp_path / "a.mp3").duration == pytest.approx(30.0, abs=0.1)


def test_an_mp3_without_a_tag_has_the_samples_that_libsndfile_gives(tmp_path):
    untagged_mp3(tmp_path / "a.mp3", sides(5.0)[:1], constant=True)
    expected, _ = soundfile.read(tmp_path / "a.mp3", dtype="float32")
    np.testing.assert_allclose(read_audio(tmp_path / "a.mp3")[0], expected, atol=1e-5)


def test_without_the_extra_the_error_names_it_and_says_nothing_of_the_sound(tmp_path, monkeypatch):
    path = encode(tmp_path / "a.m4a", sides(), "m4a")
    monkeypatch.setitem(sys.modules, "av", None)
    for read in (info, read_audio, lambda path: list(read_blocks(path))):
        with pytest.raises(UnavailableError, match=r"a\.m4a.*pip install 'ossicle\[media\]'"):
            read(path)


def test_files_are_closed(tmp_path):
    path = encode(tmp_path / "a.m4a", sides(), "m4a")
    cut = tmp_path / "cut.m4a"
    cut.write_bytes(path.read_bytes()[:5_000])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        read_or_refused(path)
        read_or_refused(cut)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
