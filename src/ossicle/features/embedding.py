"""Embeddings: a trained network as a front end, whose frame is a patch of sound.

An inner front end describes the patch, the network makes one row of numbers of it. Patches are
run one at a time, so a row's numbers depend, in every bit, on its own patch alone. Everything that
takes a front end takes an embedding: the store, integration, classical models, streams.

Inner frames that patches share are computed once where the inner front end allows it; what it does
to a whole window (levels relative to the loudest, deltas) it does to each patch by itself.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ossicle.errors import FeatureError, ModelError
from ossicle.features.base import FrontEnd
from ossicle.features.checks import number, one_of, whole
from ossicle.inference import MAX_NETWORK_BYTES, PatchNetwork, multiply_adds, patch_network
from ossicle.types import Samples

__all__ = ["Embedding", "read_network"]

MAX_PATCH_VALUES = 1 << 22
"""Most numbers of one patch before the network, so that making one cannot exhaust the memory."""

OF_THE_NETWORK = ("inner", "network", "sample_rate", "sha256")
"""Settings that come with a network."""


@dataclass(frozen=True, kw_only=True)
class Embedding(FrontEnd):
    """What a trained network makes of patches of sound.

    Parameters
    ----------
    inner : FrontEnd
        Describes a patch for the network.
    network : bytes
        ONNX file with one float32 input, which the described patch must fill: frames × bands,
        bands × frames, or all numbers in a row, with axes of size one anywhere.
    sample_rate : int
        Hz; that of ``inner``.
    n_fft : int
        Samples of a patch; 0: as many as fill the network's input.
    hop_length : int
        Samples between the starts of two patches; 0: half a patch, in whole inner frames.
    output : str
        Output of the network, or several joined by ``+``; may be left out where there is one.
    scale, bias : float
        The network is given ``scale`` × the described patch + ``bias``.
    sha256 : str
        Of ``network``; refused if it is another.
    center, window_scaling
        As in :class:`FrontEnd`.

    Raises
    ------
    FeatureError
        If the settings do not fit each other.
    ModelError
        If the network is not a safe one.

    >>> from ossicle.features import LogMel
    >>> from ossicle.models import Graph
    >>> graph = Graph(n_features=40)
    >>> code = graph.node("MatMul", graph.input, graph.constant(np.ones((40, 3), np.float32)))
    >>> network = graph.model({"code": code}, n_labels=3)
    >>> embedding = Embedding(inner=LogMel(n_mels=20, hop_length=256), network=network)
    >>> embedding.n_fft, embedding(np.zeros(16_000)).shape
    (768, (60, 3))
    """

    sample_rate: int = 0
    n_fft: int = 0
    hop_length: int = 0
    inner: FrontEnd
    network: bytes = field(repr=False, compare=False)
    output: str = ""
    scale: float = 1.0
    bias: float = 0.0
    sha256: str = ""

    name: ClassVar[str] = "embedding"

    def __post_init__(self) -> None:
        self._check_inner()
        self._set(
            sha256=_same_digest(self.network, self.sha256),
            sample_rate=whole("sample_rate", self.sample_rate, low=0) or self.inner.sample_rate,
            n_fft=whole("n_fft", self.n_fft, low=0) or self._whole_patch(),
            output=self._checked_output(),
            scale=number("scale", self.scale),
            bias=number("bias", self.bias),
        )
        hop_length = whole("hop_length", self.hop_length, low=0)
        self._set(hop_length=hop_length or self._half_patch())
        super().__post_init__()
        self._check_patch()
        _ = self.n_bands  # a network that does not take such patches is found now

    @classmethod
    def from_file(cls, path: Path | str, *, inner: FrontEnd, **settings: Any) -> "Embedding":
        """The embedding of a network file.

        Parameters
        ----------
        path : path
            ONNX.
        inner : FrontEnd
        **settings
            As for the class.

        Raises
        ------
        FeatureError
            If the file cannot be read.
        """
        return cls(inner=inner, network=read_network(path), **settings)

    @property
    def n_bands(self) -> int:
        """Numbers that the network makes of a patch."""
        return _width(self)

    @property
    def networks(self) -> Mapping[str, bytes]:
        """The one network, by its SHA-256."""
        return {self.sha256: self.network}

    @property
    def summary(self) -> str:
        """Name, digits of the network, and the settings that are not the usual."""
        values = {each: getattr(self, each.name) for each in fields(self)}
        special = [
            f"{each.name}={value}"
            for each, value in values.items()
            if each.name not in OF_THE_NETWORK and value != each.default
        ]
        return " ".join([self.name, self.sha256[:8], *special])

    def describe(self) -> dict[str, Any]:
        """Everything needed to make it again but the network, which is named by its SHA-256."""
        settings = super().describe() | {"inner": self.inner.describe()}
        del settings["network"]
        return settings

    @property
    def _runner(self) -> PatchNetwork:
        return patch_network(self.network)

    def _frames(self, samples: Samples) -> NDArray[np.float32]:
        return np.stack([self._embedded(patch) for patch in self._patches(samples)])

    def _patches(self, samples: Samples) -> Iterator[NDArray[np.float32]]:
        """Described patches, one after the other."""
        starts = range(0, len(samples) - self.n_fft + 1, self.hop_length)
        if not self._shares_inner_frames:
            yield from (self.inner(samples[start : start + self.n_fft]) for start in starts)
            return
        frames = self.inner.frames(samples)
        for first in (start // self.inner.hop_length for start in starts):
            yield self.inner.finish(frames[first : first + self._n_inner_frames])

    def _embedded(self, patch: NDArray[np.float32]) -> NDArray[np.float32]:
        if (self.scale, self.bias) != (1.0, 0.0):
            patch = patch * np.float32(self.scale) + np.float32(self.bias)
        try:
            return self._runner(patch, self.output.split("+"))
        except ModelError as error:  # the sound's fault, or the settings': the network itself runs
            raise FeatureError(str(error)) from error

    def _finish(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        return frames

    def _multiply_adds(self, n_frames: int) -> int:
        network = multiply_adds(self.network, shape=self._runner.shape(*self._patch_shape))
        if not self._shares_inner_frames:
            return n_frames * (network + self.inner.multiply_adds(self._n_inner_frames))
        between = self.hop_length // self.inner.hop_length
        described = self._n_inner_frames + (n_frames - 1) * between
        return n_frames * network + self.inner.multiply_adds(described)

    @property
    def _n_inner_frames(self) -> int:
        return self.inner.n_frames(self.n_fft)

    @property
    def _patch_shape(self) -> tuple[int, int]:
        return self.inner.n_rows(self._n_inner_frames), self.inner.n_bands

    @property
    def _shares_inner_frames(self) -> bool:
        """Whether an inner frame is the same in every patch that it lies in."""
        whole_frames = self.hop_length % self.inner.hop_length == 0
        return self.inner.shares_frames and not self.inner.lookback and whole_frames

    def _check_inner(self) -> None:
        if not isinstance(self.inner, FrontEnd) or self.inner.networks:
            raise FeatureError(
                f"inner={self.inner!r:.80}; allowed: a front end that runs no network of its own"
            )

    def _whole_patch(self) -> int:
        """Samples that fill the network's input."""
        n_rows = self._runner.n_rows(self.inner.n_bands)
        if n_rows is None or self.inner.n_rows(n_rows) != n_rows:
            raise FeatureError(
                "the network does not say how long a patch is, in frames of "
                f"{self.inner.n_bands} bands; give n_fft, the samples of a patch"
            )
        return self.inner.n_samples(n_rows)

    def _half_patch(self) -> int:
        return max(1, self._n_inner_frames // 2) * self.inner.hop_length

    def _check_patch(self) -> None:
        if self.sample_rate != self.inner.sample_rate:
            raise FeatureError(
                f"sample_rate={self.sample_rate}, but the inner front end describes sounds of "
                f"{self.inner.sample_rate} Hz; give it to the inner front end alone"
            )
        if self.n_fft < self.inner.n_fft:
            raise FeatureError(
                f"a patch of n_fft={self.n_fft} samples is shorter than one frame of the inner "
                f"front end, {self.inner.n_fft}"
            )

    def _checked_output(self) -> str:
        """The outputs asked for, or the one there is."""
        outputs = self._runner.outputs
        if self.output:
            for word in str(self.output).split("+"):
                one_of("output", word, outputs)
            return str(self.output)
        if len(outputs) != 1:
            raise FeatureError(
                f"the network has the outputs {', '.join(outputs) or 'none'}; say which in output"
            )
        return str(outputs[0])


@lru_cache(maxsize=32)
def _width(embedding: Embedding) -> int:
    """Numbers that come out for a patch, found with one of noise."""
    shape = embedding._patch_shape
    if math.prod(shape) > MAX_PATCH_VALUES:
        raise FeatureError(
            f"a patch of {embedding.n_fft} samples is {math.prod(shape)} numbers to the network; "
            f"allowed: {MAX_PATCH_VALUES}; take a shorter patch (n_fft)"
        )
    noise = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return len(embedding._embedded(noise))


def _same_digest(network: object, wanted: str) -> str:
    """The network's SHA-256, if it is the wanted one or none is."""
    if not isinstance(network, bytes):
        raise FeatureError(f"network={network!r:.40} is not the bytes of an ONNX file")
    found = hashlib.sha256(network).hexdigest()
    if wanted not in ("", found):
        raise FeatureError(
            f"the network's SHA-256 is {found}, not {wanted!r:.80}; is it another version?"
        )
    return found


def read_network(path: Path | str) -> bytes:
    """The bytes of a network file.

    Raises
    ------
    FeatureError
        If it cannot be read, or is larger than a network may be.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_NETWORK_BYTES + 1)
    except OSError as error:
        raise FeatureError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > MAX_NETWORK_BYTES:
        raise FeatureError(f"{path} has more than the {MAX_NETWORK_BYTES} bytes of a network")
    return data
