"""``ossicle doctor``: what is installed, what is missing and how to get it."""

import importlib.metadata
import platform
import sys

import click

from ossicle import __version__
from ossicle.cli.terminal import as_json, emit

__all__ = ["doctor"]

PARTS = {
    "base": ("numpy", "scipy", "soundfile", "soxr", "onnxruntime", "click", "rich"),
    "search": ("scikit-learn", "h5py", "onnx", "loky", "threadpoolctl"),
    "train": ("torch", "safetensors", "onnxscript"),
    "tensorboard": ("tensorboard",),
    "plot": ("matplotlib",),
    "media": ("av",),
    "microphone": ("sounddevice",),
}
OF_MEDIA = {"M4A", "WEBM", "WMA", "MP4"}
"""What the extra ``media`` adds, the most used of it."""


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Say what is installed and what is missing.

    With the command that adds it.

    \b
    ossicle doctor
    """
    found = {part: {name: _version(name) for name in names} for part, names in PARTS.items()}
    about = {"ossicle": __version__, "python": platform.python_version(), "parts": found}
    about["formats"] = _formats()
    about["networks"] = networks = _networks()
    emit(about, "\n".join([_text(found), *_network_lines(networks)]), as_json=as_json)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _formats() -> list[str]:
    import soundfile

    found = set(soundfile.available_formats()) & {"WAV", "FLAC", "OGG", "MP3", "AIFF"}
    return sorted(found | (OF_MEDIA if _version("av") else set()))


def _networks() -> dict[str, str | None]:
    """Known pretrained networks, and the file of each that is on this machine."""
    from ossicle.features.pretrained import PRETRAINED, network_file

    files = {name: network_file(name) for name in PRETRAINED}
    return {name: None if path is None else str(path) for name, path in files.items()}


def _network_lines(networks: dict[str, str | None]) -> list[str]:
    """Where each is, or how to get it."""
    from ossicle.features.pretrained import PRETRAINED

    lines = ["pretrained networks:"]
    for name, path in networks.items():
        source = "" if PRETRAINED[name].url else " --from FILE"
        told = ("missing", f"ossicle data get {name}{source}") if path is None else ("ok", path)
        lines.append(f"  {name:16} {told[0]:8} {told[1]}")
    return lines


def _text(found: dict[str, dict[str, str | None]]) -> str:
    lines = [f"ossicle {__version__}, Python {platform.python_version()} ({sys.platform})"]
    lines.append(f"reads {', '.join(_formats())}")
    for part, names in found.items():
        missing = [name for name, version in names.items() if version is None]
        state = "missing" if missing else "ok"
        lines.append(f"{part:11} {state:8} " + " ".join(_named(names)))
        if missing:
            cure = "ossicle" if part == "base" else f"ossicle[{part}]"
            lines.append(f"{'':20} pip install '{cure}'")
    return "\n".join(lines)


def _named(names: dict[str, str | None]) -> list[str]:
    return [f"{name} {version or '(not installed)'}" for name, version in names.items()]
