"""What a mix was made of: as a row of the table, as one line of JSON, and event by event."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ossicle.datasets.dataset import Dataset
from ossicle.datasets.layering import Layer, Mix
from ossicle.datasets.recipes import Recipe
from ossicle.datasets.sources import Source
from ossicle.errors import DatasetError
from ossicle.types import Clip, Recording
from ossicle.workflow.files import replacing

__all__ = [
    "MixedEvent",
    "mix_clip",
    "mix_events",
    "mixed_events",
    "provenance",
    "rights",
    "write_events",
]

SNR_BIN = 5.0
"""dB from one bin of signal-to-noise ratios to the next."""

EVENTS = "events.csv"
NUMBERS = ("onset", "offset", "snr", "snr_measured")


@dataclass(frozen=True, slots=True)
class MixedEvent:
    """A sound laid into a mix: where, which, and how far above all else.

    Parameters
    ----------
    filename : str
        Of the mix, below the folder of the mixes.
    onset, offset : float
        Seconds into the mix: of the sound above -40 dB of its peak, without the reverberation.
    label : str
        Of the mixes' task: the alarm's, or ``other``.
    snr : float
        dB, as drawn: against what lay there when the sound was laid.
    snr_measured : float
        dB, against all else that is heard there in the finished mix.
    role : str
        ``alarm`` or ``significant``.
    sound : str
        The source's own label; blank where it has none.
    split : str
    """

    filename: str
    onset: float
    offset: float
    label: str
    snr: float
    snr_measured: float
    role: str
    sound: str
    split: str
    group: str


def mix_clip(path: Path, mix: Mix, split: str, recipe: Recipe) -> Clip:
    """The mix as a row of the table."""
    top = mix.layers[-1]
    licences, authors = zip(*map(rights, _sources(mix)), strict=True)
    known = sorted({licence or "unknown" for licence in licences})
    return Clip(
        Recording(
            path,
            licence="" if known == ["unknown"] else " + ".join(known),
            author="; ".join(sorted({author for author in authors if author})),
        ),
        labels={"label": _label(top.source, recipe)},
        group=top.source.group,
        split=split,
        metadata={name: value for name, value in _about(mix, recipe).items() if value},
    )


def _sources(mix: Mix) -> list[Source]:
    room = [] if mix.room is None or mix.room.source is None else [mix.room.source]
    return [*(layer.source for layer in mix.layers), *room]


def _label(source: Source, recipe: Recipe) -> str:
    if source.role != "alarm":
        return "other"
    return source.label if recipe.labels == "source" else "alarm"


def _about(mix: Mix, recipe: Recipe) -> dict[str, str]:
    """What else the table says: the sounds by role, and the ratio of the uppermost."""
    about = {"kind": "+".join(layer.source.role for layer in mix.layers)}
    for layer in mix.layers:
        source = layer.source
        about[source.role] = "+".join(filter(None, (about.get(source.role), source.label)))
    if mix.room is not None and mix.room.made is not None:
        about["rt60"] = f"{mix.room.made['rt60']:g}"
    top = mix.layers[-1]
    if top.snr is not None:
        about["snr"] = f"{_rounded(top.snr, 2):.2f}"
        about["snr_measured"] = f"{_rounded(top.measured, 2):.2f}"
        about["snr_bin"] = snr_bin(top.snr, recipe.snr)
    return about


def snr_bin(snr: float, asked: Sequence[float]) -> str:
    """The name of the 5 dB to which a ratio belongs; of an exact one that itself.

    >>> snr_bin(7.3, (-5.0, 20.0)), snr_bin(20.0, (-5.0, 20.0)), snr_bin(20.0, (-5.0, 5.0, 20.0))
    ('5 to 10', '15 to 20', '20')
    """
    if len(asked) != 2:
        return f"{snr:g}"
    last = math.ceil(asked[1] / SNR_BIN) - 1
    low = SNR_BIN * min(math.floor(snr / SNR_BIN), max(last, math.floor(asked[0] / SNR_BIN)))
    return f"{low:g} to {low + SNR_BIN:g}"


def _rounded(decibels: float | None, digits: int) -> float:
    """A ratio without digits that say nothing, nor a minus before a zero."""
    assert decibels is not None
    return round(decibels, digits) + 0.0


def rights(source: Source) -> tuple[str, str]:
    """Licence and author, blank where they are not known."""
    recording = source.clip.recording
    return recording.licence, recording.author


# One line of JSON --------------------------------------------------------------------------


def provenance(clip: Clip, mix: Mix, events: Iterable[MixedEvent]) -> dict[str, Any]:
    """What a mix was made of, as one line says it."""
    line = {
        "file": f"audio/{clip.path.name}",
        "label": clip.labels["label"],
        "split": clip.split,
        "group": clip.group,
        "licence": clip.recording.licence,
        "sources": [_layer(layer) for layer in mix.layers],
        "events": [_event(event) for event in events],
    }
    return line if mix.room is None else line | {"room": _room(mix)}


def _event(event: MixedEvent) -> dict[str, Any]:
    told = asdict(event)
    return {name: told[name] for name in told.keys() - {"filename", "split", "group"}}


def _layer(layer: Layer) -> dict[str, Any]:
    source = layer.source
    values = {
        "role": source.role,
        **_origin(source),
        "label": source.label,
        "start": round(layer.start, 6),
        "offset": round(layer.offset, 6),
        "duration": round(layer.duration, 6),
        "repeated": layer.repeated,
        "gain": round(layer.gain, 3),
        "snr": layer.snr if layer.snr is None else round(layer.snr, 3),
        "snr_reached": layer.reached if layer.reached is None else round(layer.reached, 3),
    }
    return {name: value for name, value in values.items() if value is not None}


def _room(mix: Mix) -> Mapping[str, Any]:
    room = mix.room
    assert room is not None
    return _origin(room.source) if room.source is not None else dict(room.made or {})


def _origin(source: Source) -> dict[str, str]:
    licence, author = rights(source)
    return {"path": source.path, "digest": source.digest, "licence": licence, "author": author}


# Event by event ----------------------------------------------------------------------------


def mix_events(clip: Clip, mix: Mix, recipe: Recipe) -> list[MixedEvent]:
    """The events of a mix in the order of their onsets."""
    found = [
        MixedEvent(
            filename=f"audio/{clip.path.name}",
            onset=round(layer.heard[0], 6),
            offset=round(layer.heard[1], 6),
            label=_label(layer.source, recipe),
            snr=_rounded(layer.snr, 3),
            snr_measured=_rounded(layer.measured, 3),
            role=layer.source.role,
            sound=layer.source.label,
            split=clip.split,
            group=clip.group,
        )
        for layer in mix.layers
        if layer.heard is not None
    ]
    return sorted(found, key=lambda event: (event.onset, event.offset, event.role))


def write_events(path: Path, events: Iterable[MixedEvent]) -> None:
    """Write the table of strong labels: one row an event."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(MixedEvent)])
        writer.writerows(asdict(event).values() for event in events)


def mixed_events(mixes: Dataset | str | Path) -> list[MixedEvent]:
    """The events of mixes, from the table beside them.

    Parameters
    ----------
    mixes : Dataset or path
        Mixes that `mix_dataset` made, all or some; or their folder.

    Returns
    -------
    list of MixedEvent
        In the order of the mixes, and in each of the onsets.

    Raises
    ------
    DatasetError
        If there is no such table, or it holds something else.
    """
    if not isinstance(mixes, Dataset):
        return _read_events(Path(mixes))
    found: dict[Path, list[MixedEvent]] = {}
    for folder in dict.fromkeys(clip.path.parent.parent for clip in mixes):
        for event in _read_events(folder):
            found.setdefault(folder / event.filename, []).append(event)
    return [event for clip in mixes for event in found.get(clip.path, [])]


def _read_events(folder: Path) -> list[MixedEvent]:
    path = folder / EVENTS
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows: list[dict[str, Any]] = list(csv.DictReader(file))
        return [MixedEvent(**row | {name: float(row[name]) for name in NUMBERS}) for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(
            f"{path} cannot be read as the events of mixes ({error}); mix_dataset writes it "
            "beside the mixes: were these made by it?"
        ) from error
