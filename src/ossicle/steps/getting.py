"""Getting a trained network: from a file or the network, checked, into the user's cache."""

import hashlib
import shutil
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ossicle.errors import FeatureError, nearest
from ossicle.features.embedding import Embedding, read_network
from ossicle.features.pretrained import PRETRAINED, cached_network
from ossicle.inference import MAX_NETWORK_BYTES, inspect_network
from ossicle.workflow.files import replacing
from ossicle.workflow.manifest import step

__all__ = ["Got", "fetch_network", "get_network"]

TIMEOUT = 30.0
"""Seconds that a server may be silent."""


@dataclass(frozen=True)
class Got:
    """A network in the user's cache.

    Parameters
    ----------
    name, sha256 : str
    path : Path
    n_bytes : int
    origin, licence, source : str
        Who made it, under which licence, and where it came from this time.
    """

    name: str
    path: Path
    sha256: str
    n_bytes: int
    origin: str
    licence: str
    source: str


def get_network(name: str, *, source: str | None = None, sha256: str = "") -> Got:
    """Put a network into the user's cache, where front ends find it.

    Parameters
    ----------
    name : str
        ``yamnet``, ``speech_embedding``; ``embedding`` for any other, with ``source`` and
        ``sha256``.
    source : str, optional
        Path or https address; where the network is published by default.
    sha256 : str
        Of another network than the known ones.

    Returns
    -------
    Got
        Found there already: nothing is read but that.

    Raises
    ------
    FeatureError
        If the network is unknown, cannot be had, or is not the one that was asked for.
    WorkflowError
        If the cache cannot be written.

    >>> get_network("yamnett")
    Traceback (most recent call last):
        ...
    ossicle.errors.FeatureError: no network 'yamnett'; did you mean 'yamnet'?
    """
    known = PRETRAINED.get(name)
    if known is None and name != Embedding.name:
        raise FeatureError(f"no network {name!r}; {nearest(name, [*PRETRAINED, Embedding.name])}")
    wanted = known.sha256 if known else _checked(sha256)
    if sha256 and _checked(sha256) != wanted:
        raise FeatureError(
            f"{name} is the network with SHA-256 {wanted}, not {sha256}; get another as embedding"
        )
    origin, licence = (known.origin, known.licence) if known else ("not known", "not known")
    path, place = cached_network(wanted), source or (known.url if known else "")
    if _is_whole(path, wanted):
        return Got(name, path, wanted, path.stat().st_size, origin, licence, str(path))
    if not place:
        raise FeatureError(
            f"no address of {name} is known that has exactly its bytes; give --from, a path or an "
            f"https address of the ONNX file whose SHA-256 is {wanted}"
        )
    data = _downloaded(place) if "://" in place else read_network(place)
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise FeatureError(
            f"{place} has the SHA-256 {found}, not {wanted}: another version, or cut off"
        )
    inspect_network(data)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return Got(name, path, wanted, len(data), origin, licence, place)


@step(name="get", outputs={"network": "network.onnx"})
def fetch_network(
    name: str, file: Path | None = None, *, out: Path, url: str = "", sha256: str = ""
) -> dict[str, Any]:
    """Get a trained network, checked, as ``network.onnx``.

    Parameters
    ----------
    name : str
        ``yamnet``, ``speech_embedding``; ``embedding`` for any other, with ``sha256``.
    file : Path, optional
        Where it is; where it is published by default.
    out : Path
        Folder to fill.
    url : str
        Its https address, if not as published and no ``file``.
    sha256 : str
        Of another network than the known ones.

    Returns
    -------
    dict
        ``name, sha256, n_bytes, origin, licence``.
    """
    got = get_network(name, source=str(file) if file else url or None, sha256=sha256)
    shutil.copyfile(got.path, out / "network.onnx")
    told = ("name", "sha256", "n_bytes", "origin", "licence")
    return {key: getattr(got, key) for key in told}


def _checked(sha256: str) -> str:
    digits = sha256.lower()
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise FeatureError(f"sha256={sha256!r:.80}; needed: the 64 hexadecimal digits of the file")
    return digits


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(read_network(path)).hexdigest() == sha256


def _downloaded(url: str) -> bytes:
    if not url.startswith("https://"):
        raise FeatureError(f"{url} is no https address; download it yourself and give its path")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            data: bytes = answer.read(MAX_NETWORK_BYTES + 1)
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise FeatureError(
            f"cannot get {url}: {reason}; is there a network? Or give --from, the path of the file"
        ) from error
    if len(data) > MAX_NETWORK_BYTES:
        raise FeatureError(f"{url} has more than the {MAX_NETWORK_BYTES} bytes of a network")
    return data
