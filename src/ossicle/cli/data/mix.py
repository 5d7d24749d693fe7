"""``ossicle data mix``: a labelled data set from alarms, other sounds and rooms."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ossicle.cli.terminal import as_json, emit, progress_bars

__all__ = ["mix"]

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("recipe", required=False, type=FOLDER)
@click.option("--alarms", multiple=True, type=FOLDER, help="Sounds to find; may be given again.")
@click.option(
    "--significant", multiple=True, type=FOLDER, help="Sounds that are no alarm; likewise."
)
@click.option("--background", multiple=True, type=FOLDER, help="What they lie over; likewise.")
@click.option("--rooms", multiple=True, type=FOLDER, help="Impulse responses of rooms; likewise.")
@click.option("--rt60", nargs=2, type=float, help="Made-up rooms: range of seconds, e.g. 0.2 0.8.")
@click.option("--out", required=True, type=FOLDER, help="Empty folder.")
@click.option("--snr", nargs=2, type=float, show_default="-5 20", help="Range in dB.")
@click.option("--exact-snr", help="Ratios in dB, each equally often, e.g. -5,0,5,10,15,20.")
@click.option(
    "--events", nargs=2, type=int, show_default="1 2", help="Range; one of them is the alarm."
)
@click.option(
    "--overlap/--in-turn", default=None, show_default="overlap", help="May events sound at once?"
)
@click.option("--loudness", show_default="rms", help="What levels are: rms, or A (weighted).")
@click.option("--level", type=float, help="dBFS of every background; as recorded without.")
@click.option("--labels", show_default="binary", help="binary, or source: the alarms' own.")
@click.option(
    "--fractions", nargs=3, type=float, show_default="0.6 0.2 0.2",
    help="Of train, validation and test.",
)  # fmt: skip
@click.option("--clips", "n", type=int, show_default="300", help="Mixes to make.")
@click.option("--duration", type=float, show_default="5", help="Seconds of each.")
@click.option("--sample-rate", type=int, show_default="16000", help="Hz.")
@click.option("--seed", type=click.IntRange(min=0), show_default="0", help="Of everything random.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes; -1: all cores.")
@click.option("--plot", type=FOLDER, help="Draw what the mixes hold into this PNG.")
@as_json
def mix(
    recipe: Path | None, out: Path, jobs: int, plot: Path | None, as_json: bool, **words: Any
) -> None:
    """Mix alarms and other sounds into background recordings.

    \b
    ossicle data mix --alarms alarms/ --significant sounds/ --background room/ --out mixed/
    ossicle data mix home.toml --out mixed/ --plot mixed.png

    A RECIPE (TOML) holds any of these settings, named as in mix_dataset; options given beside it
    take the place of its own.
    """
    from ossicle.datasets import mix_dataset, read_recipe

    settings = (read_recipe(recipe) if recipe else {}) | _settings(words)
    for name in ("alarms", "background"):
        if name not in settings:
            raise click.UsageError(f"no {name}: give --{name} FOLDER, or name it in a recipe")
    with progress_bars() as progress:
        made = mix_dataset(**settings, out=out, n_jobs=jobs, progress=partial(progress, "mixing"))
    if plot is not None:
        from ossicle.evaluation.plots import plot_mix, save_png

        save_png(plot_mix(made), plot)
    report = made.check()
    emit(report.to_dict(), f"{report}\n\nNext: ossicle search {out} --out run/", as_json=as_json)


def _settings(words: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as `mix_dataset` names them."""
    given = {name: value for name, value in words.items() if value is not None and value != ()}
    for option, name in (("rt60", "rooms"), ("exact_snr", "snr")):
        if option in given and name in given:
            raise click.UsageError(f"--{option.replace('_', '-')} and --{name} exclude each other")
    if "rt60" in given:
        given["rooms"] = given.pop("rt60")
    if "exact_snr" in given:
        given["snr"] = _ratios(given.pop("exact_snr"))
    return given


def _ratios(text: str) -> tuple[float, ...]:
    try:
        ratios = tuple(float(word) for word in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no list such as -5,0,5", param_hint="--exact-snr"
        ) from None
    return ratios * 2 if len(ratios) == 2 else ratios
