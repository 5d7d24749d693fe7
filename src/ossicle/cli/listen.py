"""``ossicle listen``: events as they are heard."""

import json
from pathlib import Path

import click

from ossicle.cli.annotations import clock
from ossicle.cli.terminal import SECONDS, safe
from ossicle.types import Event

__all__ = ["listen"]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("source", default="microphone")
@click.option(
    "--sample-rate",
    type=click.IntRange(min=1),
    default=16_000,
    show_default=True,
    help="Hz of standard input or the microphone.",
)
@click.option("--block", type=SECONDS, default=0.1, show_default=True, help="Seconds read at once.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def listen(bundle: Path, source: str, sample_rate: int, block: float, as_json: bool) -> None:
    """Print events as they are heard.

    Each is printed when it is over, until the sound ends or Ctrl-C.

    SOURCE is a sound file, "-" for raw 16-bit little-endian mono samples on standard input, or,
    by default, "microphone" (needs: pip install 'ossicle[microphone]').

    \b
    ossicle listen alarm.ossicle kitchen.wav
    arecord -q -t raw -f S16_LE -r 16000 | ossicle listen alarm.ossicle -
    """
    from ossicle.steps import listen_to

    try:
        for event in listen_to(bundle, source, sample_rate=sample_rate, block=block):
            click.echo(_line(event, as_json=as_json))
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


def _line(event: Event, *, as_json: bool) -> str:
    if as_json:
        known = {"label": event.label, "start": event.start, "end": event.end}
        return json.dumps({**known, "score": event.score, "task": event.task})
    limits = f"{clock(event.start)} to {clock(event.end)}"
    return safe(f"{limits:18} {event.label}  {event.score:.2f}")
