"""Run the experiment: `python -m studies.alarm` in a checkout, with OSSICLE_DATA set."""

import argparse
import sys
from pathlib import Path

from ossicle import OssicleError
from studies.alarm.curve import measure_curve
from studies.alarm.detection import measure_detection
from studies.alarm.keeping import Workplace
from studies.alarm.page import write_page
from studies.alarm.places import measure_places
from studies.alarm.settings import FULL, SMALL
from studies.alarm.sounds import data_folder
from studies.alarm.times import measure_times

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Measure what is not measured yet, then write the page; 1 if the recordings are missing."""
    words = _words()
    settings = SMALL if words.small else FULL
    try:
        place = Workplace(settings, data_folder(), Path(words.work).resolve(), words.processes)
        detection = place.kept("detection", measure_detection)
        fixed = detection["configuration"]
        parts = {
            "detection": detection,
            "places": place.kept("places", measure_places, fixed),
            "curve": place.kept("curve", measure_curve, fixed),
            "times": place.kept("times", measure_times),
        }
        write_page(Path(words.out), place, parts)
    except OssicleError as error:
        print(f"study: {error}", file=sys.stderr)
        return 1
    print("wrote", Path(words.out) / "alarm-study.md")
    return 0


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studies.alarm", description=__doc__)
    work, out = ROOT / "runs" / "alarm-study", ROOT / "docs"
    parser.add_argument("--work", default=work, help="folder of finished parts: %(default)s")
    parser.add_argument("--out", default=out, help="folder of page and pictures: %(default)s")
    parser.add_argument("--processes", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--small", action="store_true", help="a trial run in under a minute")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
