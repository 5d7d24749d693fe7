"""What a mix was made of: as a row of the table, and as one line of JSON."""

from pathlib import Path
from typing import Any

from ossicle.datasets.layering import Layer, Mix
from ossicle.datasets.sources import Source
from ossicle.types import Clip, Recording

__all__ = ["mix_clip", "provenance", "rights"]


def mix_clip(path: Path, mix: Mix, split: str, labels: str) -> Clip:
    """The mix as a row of the table."""
    top = mix.layers[-1]
    is_alarm = top.source.role == "alarm"
    label = (top.source.label if labels == "source" else "alarm") if is_alarm else "other"
    licences, authors = zip(*(rights(layer.source) for layer in mix.layers), strict=True)
    known = sorted({licence or "unknown" for licence in licences})
    about = {"kind": "+".join(layer.source.role for layer in mix.layers)}
    if top.snr is not None:
        about["snr"] = f"{top.snr:.2f}"
    return Clip(
        Recording(
            path,
            licence="" if known == ["unknown"] else " + ".join(known),
            author="; ".join(sorted({author for author in authors if author})),
        ),
        labels={"label": label},
        group=top.source.group,
        split=split,
        metadata=about,
    )


def rights(source: Source) -> tuple[str, str]:
    """Licence and author, blank where they are not known."""
    recording = source.clip.recording
    return recording.licence, recording.author


def provenance(clip: Clip, mix: Mix) -> dict[str, Any]:
    """What a mix was made of, as one line says it."""
    return {
        "file": f"audio/{clip.path.name}",
        "label": clip.labels["label"],
        "split": clip.split,
        "group": clip.group,
        "licence": clip.recording.licence,
        "sources": [_layer(layer) for layer in mix.layers],
    }


def _layer(layer: Layer) -> dict[str, Any]:
    source = layer.source
    licence, author = rights(source)
    values = {
        "role": source.role,
        "path": source.path,
        "digest": source.digest,
        "label": source.label,
        "start": round(layer.start, 6),
        "offset": round(layer.offset, 6),
        "duration": round(layer.duration, 6),
        "repeated": layer.repeated,
        "gain": round(layer.gain, 3),
        "snr": layer.snr if layer.snr is None else round(layer.snr, 3),
        "snr_reached": layer.reached if layer.reached is None else round(layer.reached, 3),
        "licence": licence,
        "author": author,
    }
    return {name: value for name, value in values.items() if value is not None}
