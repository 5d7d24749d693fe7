"""Embeddings: equal to the network run by hand, each row by its own patch, found by digest."""

import hashlib
import pickle
from dataclasses import replace

import librosa
import numpy as np
import onnxruntime
import pytest
from small_embeddings import (
    INNER,
    N_BANDS,
    N_FRAMES,
    WIDTH,
    by_hand,
    small_embedding,
    small_network,
)

from ossicle.audio import write_audio
from ossicle.errors import FeatureError, ModelError, SearchError
from ossicle.features import PRETRAINED, Embedding, FeatureStore, LogMel, front_end, integrate
from ossicle.features.pretrained import cached_network
from ossicle.selection.grid import expand
from ossicle.types import Clip, Recording

RATE = 8_000


def sound(n_samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    envelope = 10 ** (np.cos(np.arange(n_samples) / 3_000) - 1)
    return (0.3 * rng.standard_normal(n_samples) * envelope).astype(np.float32)


@pytest.fixture
def no_files(monkeypatch, tmp_path):
    """A machine without any network file; its cache is the folder given."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OSSICLE_MODELS", raising=False)
    return tmp_path


def test_each_row_is_the_network_run_by_hand_on_a_patch_of_inner_frames():
    embedding, samples = small_embedding(), sound(6_000)
    rows, frames = embedding(samples), INNER(samples)
    assert embedding.n_bands == WIDTH
    assert embedding.n_fft == 256 + 9 * 128
    assert embedding.hop_length == 5 * 128
    assert rows.shape == (embedding.n_frames(6_000), WIDTH) == (8, WIDTH)
    for place, row in enumerate(rows):
        patch = frames[5 * place : 5 * place + N_FRAMES]
        np.testing.assert_allclose(row, by_hand(patch), atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"hop_length": 100},
        {"inner": replace(INNER, top_db=30.0)},
        {"scale": 0.1, "bias": 11.0, "output": "code+twice"},
    ],
)
def test_a_row_does_not_depend_in_any_bit_on_the_patches_around_it(settings):
    embedding, samples = small_embedding(**settings), sound(9_000)
    rows = embedding(samples)
    for place in range(len(rows)):
        first = place * embedding.hop_length
        alone = embedding(samples[first : first + embedding.n_fft])
        np.testing.assert_array_equal(alone, rows[place : place + 1])


def test_what_looks_at_a_whole_window_looks_at_one_patch():
    inner = replace(INNER, top_db=30.0)
    samples = np.concatenate([sound(1_408), 1e-4 * sound(1_408)])
    faint = small_embedding(inner=inner, hop_length=1_408)(samples)[1]
    np.testing.assert_allclose(faint, by_hand(inner(samples[1_408:])), atol=1e-5)


@pytest.mark.parametrize(
    "shape", [(N_FRAMES, N_BANDS, 1), (N_FRAMES * N_BANDS,), ("frames", N_BANDS)]
)
def test_a_patch_takes_the_shape_that_the_network_declares(shape):
    embedding = small_embedding(network=small_network(*shape), n_fft=256 + 9 * 128)
    np.testing.assert_array_equal(embedding(sound(3_000)), small_embedding()(sound(3_000)))


def test_bands_by_frames_are_turned():
    embedding = small_embedding(network=small_network(1, N_BANDS, N_FRAMES))
    samples = sound(embedding.n_fft)
    np.testing.assert_allclose(embedding(samples)[0], by_hand(INNER(samples).T), atol=1e-5)


def test_outputs_are_joined_and_the_input_is_scaled():
    samples = sound(2_000)
    code, both = small_embedding()(samples), small_embedding(output="code+twice")(samples)
    np.testing.assert_array_equal(both, np.hstack([code, 2 * code]))
    scaled = small_embedding(scale=0.5, bias=3.0)(samples)[0]
    np.testing.assert_allclose(scaled, by_hand(0.5 * INNER(samples)[:N_FRAMES] + 3.0), atol=1e-5)


def test_a_description_names_the_network_and_makes_it_again_from_its_bytes(no_files):
    embedding = small_embedding(center=True, window_scaling="mean")
    description = embedding.describe()
    assert "network" not in description
    assert description["sha256"] == hashlib.sha256(embedding.network).hexdigest()
    assert description["inner"] == INNER.describe()
    again = front_end(description, networks=embedding.networks)
    assert again == embedding
    np.testing.assert_array_equal(again(sound(3_000)), embedding(sound(3_000)))
    with pytest.raises(FeatureError, match=r"is not here; give the path of its ONNX file"):
        front_end(description)
    with pytest.raises(FeatureError, match="is not here with it"):
        front_end(description, networks={})
    with pytest.raises(FeatureError, match="is not here with it"):
        front_end({**description, "path": "/etc/hostname"}, networks=embedding.networks)


def test_it_is_hashed_shown_and_sent_without_a_prepared_network():
    embedding = small_embedding()
    assert hash(embedding) == hash(small_embedding())
    assert embedding != small_embedding(network=small_network(seed=1))
    assert len(repr(embedding)) < 600
    usual = f"embedding {embedding.sha256[:8]} n_fft=1408 hop_length=640"
    assert embedding.summary == f"{usual} output=code"
    assert small_embedding(center=True).summary == f"{usual} center=True output=code"
    sent = pickle.loads(pickle.dumps(embedding))
    np.testing.assert_array_equal(sent(sound(2_000)), embedding(sound(2_000)))


def test_the_store_gives_the_same_rows_by_any_number_of_processes(tmp_path):
    clips = []
    for number in range(70):  # more than one part
        path = tmp_path / f"{number}.wav"
        write_audio(path, sound(1_500 + 300 * (number % 3), seed=number), RATE)
        clips.append(Clip(Recording(path)))
    embedding = small_embedding()
    one, two = (
        FeatureStore(tmp_path / f"store{n}").extract(clips, embedding, n_jobs=n) for n in (1, 2)
    )
    np.testing.assert_array_equal(one.matrix("mean+max"), two.matrix("mean+max"))
    direct = embedding(np.round(sound(1_500) * 2**15).clip(-(2**15), 2**15 - 1).astype(np.int16))
    np.testing.assert_allclose(one.matrix("mean")[0], integrate(direct, "mean"), atol=1e-3)


def test_multiply_adds_are_those_of_the_inner_frames_and_of_the_network():
    counted = small_embedding().multiply_adds(3)
    assert counted == INNER.multiply_adds(20) + 3 * N_FRAMES * N_BANDS * WIDTH
    apart = small_embedding(hop_length=100).multiply_adds(3)
    assert apart == 3 * (INNER.multiply_adds(10) + N_FRAMES * N_BANDS * WIDTH)


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"output": "cod"}, FeatureError, "output='cod' is unknown; allowed: code, twice"),
        ({"output": ["code"]}, FeatureError, "is unknown; allowed: code, twice"),
        ({"n_fft": "long"}, FeatureError, "n_fft='long' is not a whole number"),
        ({"n_fft": 200}, FeatureError, "shorter than one frame of the inner front end, 256"),
        ({"output": ""}, FeatureError, "has the outputs code, twice; say which"),
        ({"sha256": "0" * 64}, FeatureError, "SHA-256 is .*, not '0000"),
        ({"sample_rate": 16_000}, FeatureError, "describes sounds of 8000 Hz"),
        ({"n_fft": 5_000}, FeatureError, r"a patch of 38 frames × 8 bands does not fit"),
        ({"network": small_network("a", "b", "c")}, FeatureError, "does not say how long a patch"),
        ({"network": b"GIF89a"}, ModelError, "not an ONNX file"),
        ({"network": "model.onnx"}, FeatureError, "is not the bytes"),
        ({"inner": small_embedding()}, FeatureError, "runs no network of its own"),
        ({"inner": "log_mel"}, FeatureError, "inner='log_mel'; allowed"),
        ({"scale": float("nan")}, FeatureError, "scale=nan"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(settings, error, match):
    with pytest.raises(error, match=match):
        small_embedding(**settings)


def test_a_network_is_named_by_path_in_descriptions_and_grids(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(small_network())
    named = {"name": "embedding", "path": str(path), "inner": INNER.describe(), "output": "code"}
    assert (
        front_end(named)
        == small_embedding()
        == Embedding.from_file(path, inner=INNER, output="code")
    )
    grid = {"front_end": [named], "hop_length": [128, 640], "model": "knn", "integration": "max"}
    fronts = [configuration.front_end for configuration in expand(grid)]
    assert [front.hop_length for front in fronts] == [128, 640]
    assert [front.networks for front in fronts] == [small_embedding().networks] * 2
    with pytest.raises(SearchError, match="grid key 'hop' is no parameter"):
        expand({**grid, "hop": [1]})
    with pytest.raises(FeatureError, match=r"cannot read .*missing.onnx: No such file"):
        front_end({**named, "path": str(tmp_path / "missing.onnx")})
    with pytest.raises(FeatureError, match="inner=None; an embedding needs the description"):
        front_end({"name": "embedding", "path": str(path)})


def test_a_network_by_digest_is_found_in_the_cache_and_only_if_it_is_whole(no_files):
    embedding = small_embedding()
    path = cached_network(embedding.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(embedding.network)
    assert path.is_relative_to(no_files)
    assert front_end(embedding.describe()) == embedding
    path.write_bytes(embedding.network[:-1])
    with pytest.raises(FeatureError, match="is not here"):
        front_end(embedding.describe())


def test_what_is_missing_is_named_with_the_command_that_gets_it(no_files):
    with pytest.raises(FeatureError, match=r"run: ossicle data get yamnet --from FILE"):
        front_end("yamnet")
    with pytest.raises(FeatureError, match=r"run: ossicle data get speech_embedding \(or"):
        front_end({"name": "speech_embedding", "hop_length": 640})
    elsewhere = {**small_embedding().describe(), "url": "https://example.org/net.onnx"}
    with pytest.raises(FeatureError, match=r"get embedding --from https://example.org/net.onnx"):
        front_end(elsewhere)
    with pytest.raises(FeatureError, match="did you mean 'yamnet'"):
        front_end("yamnett")


def test_a_digest_leads_to_no_other_folder(no_files):
    description = {**small_embedding().describe(), "sha256": "../" * 21 + "x"}
    with pytest.raises(FeatureError, match="is not here"):
        front_end(description)


def tensorflow_mel_matrix(n_bins=257, n_mels=64, fmin=125.0, fmax=7_500.0, rate=16_000):
    """``tf.signal.linear_to_mel_weight_matrix``: HTK mels, slopes straight in mel, no bin 0."""
    mels = 1127.0 * np.log1p(np.linspace(0.0, rate / 2, n_bins)[1:] / 700.0)[:, None]
    low, high = 1127.0 * np.log1p(np.array([fmin, fmax]) / 700.0)
    edges = np.linspace(low, high, n_mels + 2)
    rising = (mels - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels) / (edges[2:] - edges[1:-1])
    return np.pad(np.maximum(0.0, np.minimum(rising, falling)), ((1, 0), (0, 0)))


def yamnet_patch(samples):
    """Log-mel patch of YAMNet (yamnet/features.py), in numpy, float64."""
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(float), 400)[::160]
    magnitudes = np.abs(np.fft.rfft(frames * taper, 512))
    return np.log(magnitudes @ tensorflow_mel_matrix() + 0.001)


def test_the_inner_front_end_of_yamnet_is_that_of_its_makers():
    inner, samples = front_end(PRETRAINED["yamnet"].settings["inner"]), sound(15_600)
    assert inner(samples).shape == (96, 64)
    np.testing.assert_allclose(inner(samples), yamnet_patch(samples), atol=1e-4)
    np.testing.assert_allclose(inner(0 * samples), np.log(0.001), atol=1e-4)


def test_the_inner_front_end_of_the_speech_embedding_is_librosas_at_sixteen_bits():
    settings, samples = PRETRAINED["speech_embedding"].settings, sound(12_512)
    power = librosa.feature.melspectrogram(
        **{"y": samples * 2.0**15, "sr": 16_000, "n_fft": 512, "win_length": 400},
        **{"hop_length": 160, "center": False, "n_mels": 32, "fmin": 60, "fmax": 3_800},
    )
    wanted = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=80.0).T / 10 + 2
    inner = front_end(settings["inner"])
    found = inner(samples[56:-56]) * settings["scale"] + settings["bias"]  # librosa centres 400
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_descriptions_without_the_later_settings_are_what_they_were():
    assert LogMel().describe() == {
        **{"name": "log_mel", "version": 1, "sample_rate": 16_000, "n_fft": 512},
        **{"hop_length": 160, "center": False, "n_mels": 64, "fmin": 0.0, "fmax": None},
        **{"mel_scale": "slaney", "norm": "slaney", "power": 2.0, "log": "db", "floor": 1e-10},
        **{"top_db": None, "deltas": 0, "taper": "hann"},
    }
    later = {"zero_padding": 112, "slopes": "mel", "offset": 0.001, "window_scaling": "mean"}
    assert later.items() <= LogMel(**later).describe().items()
    assert front_end(LogMel(**later).describe()) == LogMel(**later)


def test_zeros_after_a_frame_give_more_bins_of_the_same_frame():
    samples = sound(4_000)
    padded = LogMel(sample_rate=RATE, n_fft=256, zero_padding=256, n_mels=20)
    assert padded.n_frames(4_000) == LogMel(sample_rate=RATE, n_fft=256).n_frames(4_000)
    powers = np.abs(librosa.stft(samples, n_fft=512, win_length=256, hop_length=160, center=False))
    mels = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=20) @ powers**2
    wanted = 10 * np.log10(mels).T
    # librosa centres the 256 samples in 512, so its frames begin 128 samples earlier
    np.testing.assert_allclose(padded(samples[128:])[: len(wanted)], wanted, atol=1e-3)


@pytest.mark.data
def test_yamnet_by_name_is_the_network_on_the_patches_of_its_makers(models, no_files, monkeypatch):
    monkeypatch.setenv("OSSICLE_MODELS", str(models))
    embedding, samples = front_end({"name": "yamnet", "output": "embedding+scores"}), sound(31_000)
    rows = embedding(samples)
    assert rows.shape == (3, 1024 + 521)
    session = onnxruntime.InferenceSession(models / "yamnet" / "yamnet.onnx")
    for place, row in enumerate(rows):
        patch = yamnet_patch(samples[place * 7_680 :][:15_600]).astype(np.float32)
        wanted = session.run(["embedding", "scores"], {"log_mel": patch[None, None]})
        np.testing.assert_allclose(row, np.hstack(wanted)[0], rtol=1e-3, atol=1e-3)
    assert embedding.multiply_adds(1) > 60e6


@pytest.mark.data
def test_the_speech_embedding_by_name_is_its_two_published_networks(models, no_files, monkeypatch):
    monkeypatch.setenv("OSSICLE_MODELS", str(models))
    folder, samples = models / "speech_embedding", sound(12_512)
    mel = onnxruntime.InferenceSession(folder / "melspectrogram.onnx")
    patch = mel.run(None, {"input": samples[None] * np.float32(2**15)})[0].squeeze() / 10 + 2
    embedding = front_end("speech_embedding")
    found = embedding.inner(samples[56:-56]) * embedding.scale + embedding.bias
    np.testing.assert_allclose(found, patch, atol=1e-4)
    network = onnxruntime.InferenceSession(folder / "embedding_model.onnx")
    wanted = network.run(None, {"input_1": patch[None, :, :, None]})[0].ravel()
    np.testing.assert_allclose(embedding(samples[56:-56])[0], wanted, rtol=1e-3, atol=1e-3)
