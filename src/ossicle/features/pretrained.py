"""Trained networks known by name, and where network files are found on this machine.

A front end never goes to the network by itself: files come from a path, from the folder that the
environment variable ``OSSICLE_MODELS`` names, or from the user's cache, which ``ossicle data get``
fills. Each is held against its SHA-256.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ossicle.errors import FeatureError
from ossicle.features.embedding import read_network

__all__ = ["PRETRAINED", "Pretrained", "cached_network", "network_file", "with_network"]


@dataclass(frozen=True)
class Pretrained:
    """A network that was trained elsewhere.

    Parameters
    ----------
    sha256 : str
        Of the ONNX file.
    n_bytes : int
    origin, licence : str
    url : str
        Of exactly these bytes; empty where none is known.
    files : tuple of str
        Where it may lie below the folder that ``OSSICLE_MODELS`` names.
    settings : mapping
        Of the embedding.
    """

    sha256: str
    n_bytes: int
    origin: str
    licence: str
    url: str
    files: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)


PRETRAINED: dict[str, Pretrained] = {
    "yamnet": Pretrained(
        sha256="9360fa295b51a5411339a359e01c4c8c70fddda9f82f8db9dfeec134372ed29e",
        n_bytes=3_807_846,
        origin="Google, YAMNet: 521 sounds of AudioSet",
        licence="Apache-2.0",
        url="",
        files=("yamnet/yamnet.onnx", "yamnet.onnx"),
        settings={
            "inner": {"name": "log_mel", "sample_rate": 16_000, "n_fft": 400, "hop_length": 160}
            | {"zero_padding": 112, "n_mels": 64, "fmin": 125.0, "fmax": 7500.0}
            | {"mel_scale": "htk", "slopes": "mel", "norm": None}
            | {"power": 1.0, "log": "ln", "offset": 0.001},
            "hop_length": 48 * 160,
            "output": "embedding",
        },
    ),
    "speech_embedding": Pretrained(
        sha256="70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f",
        n_bytes=1_326_578,
        origin="Google, speech_embedding, as packaged by openWakeWord 0.5.1",
        licence="Apache-2.0",
        url="https://github.com/dscripka/openWakeWord/releases/download/v0.5.1/embedding_model.onnx",
        files=("speech_embedding/embedding_model.onnx", "embedding_model.onnx"),
        # It learnt from decibels of 16-bit samples (2^15 is full scale), divided by 10, plus 2.
        settings={
            "inner": {"name": "log_mel", "sample_rate": 16_000, "n_fft": 400, "hop_length": 160}
            | {"zero_padding": 112, "n_mels": 32, "fmin": 60.0, "fmax": 3800.0}
            | {"floor": 1e-10 / 2**30, "top_db": 80.0},
            "scale": 0.1,
            "bias": 11.030_899_869_919_436,
            "hop_length": 8 * 160,
        },
    ),
}
"""Name: network. Their names are front ends too, for `front_end` and wherever one is named."""


SOURCES = ("network", "path", "url")
"""Settings that say where the network is; no part of a description."""


def with_network(
    settings: Mapping[str, Any], networks: Mapping[str, bytes] | None
) -> Mapping[str, Any]:
    """Settings of a front end, with the network's bytes where it is an embedding.

    Parameters
    ----------
    settings : mapping
        Of any front end. An embedding names its network by ``path`` or ``sha256`` (``url`` only
        says where it can be got), or by the name of one that is known.
    networks : mapping of sha256 to bytes, optional
        All there are; None: files of this machine.

    Raises
    ------
    FeatureError
        If the network is not here, and how to get it.

    >>> with_network({"name": "log_mel", "n_mels": 40}, None)
    {'name': 'log_mel', 'n_mels': 40}
    """
    known = PRETRAINED.get(settings["name"])
    if known is not None:
        sizes = {"sha256": known.sha256}
        settings = {**known.settings, **settings, **sizes, "name": "embedding"}
    if settings["name"] != "embedding" or isinstance(settings.get("network"), bytes):
        return settings
    if not isinstance(settings.get("inner"), Mapping):
        raise FeatureError(
            f"inner={settings.get('inner')!r:.80}; an embedding needs the description of the "
            "front end that describes its patches"
        )
    rest = {key: value for key, value in settings.items() if key not in SOURCES}
    if networks is None:
        return {**rest, "network": _on_this_machine(settings)}
    if rest != settings or settings.get("sha256") not in networks:
        raise FeatureError(
            f"the embedding's network {settings.get('sha256')!r:.80} is not here with it"
        )
    return {**rest, "network": networks[settings["sha256"]]}


def network_file(name: str) -> Path | None:
    """Where the file of a known network lies on this machine; None if it is not whole here.

    Parameters
    ----------
    name : str
        Of ``PRETRAINED``.

    >>> network_file("nothing") is None
    True
    """
    known = PRETRAINED.get(name)
    try:
        return None if known is None else _found(known.sha256)[0]
    except FeatureError:  # what lies in its place cannot be read
        return None


def cached_network(sha256: str) -> Path:
    """Where a network with this digest lies once it was got.

    >>> cached_network(PRETRAINED["yamnet"].sha256).name[:12]
    '9360fa295b51'
    """
    return _cache() / "ossicle" / "networks" / f"{sha256}.onnx"


def _on_this_machine(settings: Mapping[str, Any]) -> bytes:
    if settings.get("path"):
        return read_network(str(settings["path"]))
    sha256 = str(settings.get("sha256") or "")
    path, data = _found(sha256)
    if path is not None:
        return data
    raise FeatureError(f"the network with SHA-256 {sha256!r:.80} is not here; {_way(settings)}")


def _found(sha256: str) -> tuple[Path | None, bytes]:
    """The first file with this digest, and its bytes."""
    for path in _candidates(sha256):
        data = read_network(path) if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() == sha256:
            return path, data
    return None, b""


def _candidates(sha256: str) -> Iterator[Path]:
    if len(sha256) == 64 and sha256.isalnum():  # else it could lead to another folder
        yield cached_network(sha256)
    folder = os.environ.get("OSSICLE_MODELS", "")
    files = [file for each in PRETRAINED.values() if each.sha256 == sha256 for file in each.files]
    if folder:
        yield from (Path(folder, file) for file in files)


def _way(settings: Mapping[str, Any]) -> str:
    """How to get what is missing."""
    for name, known in PRETRAINED.items():
        if known.sha256 == settings.get("sha256"):
            source = "" if known.url else " --from FILE"
            return f"run: ossicle data get {name}{source} (or name its folder in OSSICLE_MODELS)"
    if settings.get("url") and settings.get("sha256"):
        return (
            f"run: ossicle data get embedding --from {settings['url']} "
            f"--sha256 {settings['sha256']}"
        )
    return "give the path of its ONNX file, or its url and sha256"


def _cache() -> Path:
    """The user's folder for what can be got again, as the platform has it."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
