"""A few short sounds to mix, and what is looked at in the mixes."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ossicle.audio import alarm, background, write_audio
from ossicle.datasets import Dataset, mix_dataset
from ossicle.workflow.files import file_digest

RATE = 8_000


def write_sounds(root: Path) -> Path:
    """Twelve alarms of two kinds, eight other sounds, one room of half a minute."""
    for number in range(6):
        for kind, lasts in (("bell", 0.4), ("hi_lo", 3.0)):
            path = root / "alarms" / kind / f"{number}.wav"
            write_audio(path, alarm(kind, lasts, sample_rate=RATE, seed=number), RATE)
    rng = np.random.default_rng(0)
    for number in range(8):
        noise = 0.3 * rng.standard_normal(RATE // 4)
        write_audio(root / "other" / "thud" / f"{number}.wav", noise.clip(-1, 1), RATE)
    write_audio(root / "room/fan.wav", background("fan", 30.0, sample_rate=RATE), RATE)
    return root


def mixed(sounds: Path, out: Path, **settings: Any) -> Dataset:
    given: dict[str, Any] = {
        "alarms": sounds / "alarms",
        "significant": sounds / "other",
        "background": sounds / "room",
        "n": 40,
        "duration": 1.0,
        "sample_rate": RATE,
    }
    return mix_dataset(**(given | settings), out=out)


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "mixes.jsonl").read_text().splitlines()]


def sources(out: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(line, source) for line in lines(out) for source in line["sources"]]


def digests(out: Path) -> dict[str, str]:
    files = (path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): file_digest(path) for path in files}
