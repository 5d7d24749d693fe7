"""The whole page, written at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ossicle.workflow.files import replacing
from studies.alarm.keeping import Workplace
from studies.alarm.page.curve import curve_section
from studies.alarm.page.detection import detection_section
from studies.alarm.page.markdown import command
from studies.alarm.page.places import places_section
from studies.alarm.page.sounds import licences_section, sounds_section
from studies.alarm.page.times import times_section

__all__ = ["write_page"]


def write_page(out: Path, place: Workplace, parts: Mapping[str, Any]) -> Path:
    """Write ``alarm-study.md`` and its pictures into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    sections = [
        detection_section(parts["detection"], out, place.settings),
        places_section(parts["places"], out, place.settings),
        curve_section(parts["curve"], out),
        times_section(parts["times"]),
    ]
    findings = "\n".join(f"{i}. {_sentence(said)}" for i, (_, said) in enumerate(sections, 1))
    text = [
        *_head(place.settings.small),
        findings,
        sounds_section(*place.sounds),
        *(section for section, _ in sections),
        LIMITS,
        licences_section(*place.sounds),
        AGAIN,
    ]
    path = out / "alarm-study.md"
    with replacing(path) as temporary:
        temporary.write_text("\n\n".join(text) + "\n", encoding="utf-8")
    return path


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:]


def _head(is_small: bool) -> list[str]:
    return [
        "# Hearing an alarm in the home: the experiment on real sounds",
        "Durand, Ngoko and Cérin describe how a home's own devices learn to hear its alarms: mix "
        "alarms and other sounds into backgrounds recorded in place, search a grid by "
        "leave-k-out, keep the Pareto front. Their evaluation section is empty. This page is one "
        "such evaluation. It is written by `make study`, every figure and every finding included.",
        *(["**This is the small trial run: its figures mean nothing.**"] if is_small else []),
        "In short:",
    ]


LIMITS = """## Limits

- Mixtures, not rooms: no reverberation, one microphone, one alarm at a time, always 5 s long.
- ESC-50's alarms are sirens, alarm clocks, car horns and church bells; there is no smoke alarm.
- The test side has few alarm recordings, and four rooms are few: mind the intervals.
- Half of the mixes hold an alarm. In a home hardly any minute does, so a false alarm rate per mix
  that looks low is many alarms a day.
- "The very room at another time" is here another half minute of one recording, not another day.
- Leave-k-out holds out alarms, not backgrounds: its folds know the places."""

AGAIN = f"""## Make it again

{command("make study OSSICLE_DATA=/where/they/are")}

wants `esc50/` (ESC-50 as 16 kHz Ogg with its `meta.csv`) and `background/` there. Finished parts
are kept in `runs/alarm-study` (some gigabytes, which may be deleted): a killed study goes on where
it was. The same seed, sounds and code give the same figures, but for the times. The code is in
`studies/alarm`."""
