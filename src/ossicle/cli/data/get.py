"""``ossicle data get``: a trained network, checked, into the user's cache."""

import click

from ossicle.cli.terminal import as_json, emit

__all__ = ["get"]


@click.command()
@click.argument("name")
@click.option("--from", "source", metavar="PATH_OR_URL", help="Where it is, if not as published.")
@click.option("--sha256", default="", help="Of the file, for another network than the known ones.")
@as_json
def get(name: str, source: str | None, sha256: str, as_json: bool) -> None:
    """Get a trained network, so that front ends find it by name.

    \b
    ossicle data get speech_embedding
    ossicle data get yamnet --from downloads/yamnet.onnx
    ossicle data get embedding --from https://… --sha256 …

    \b
    yamnet             sounds of all kinds, 1024 numbers for each 0.96 s; has to be given --from
    speech_embedding   words, 96 numbers for each 0.78 s
    """
    from ossicle.steps.getting import get_network

    got = get_network(name, source=source, sha256=sha256)
    lines = [
        f"{got.name}: {got.n_bytes / 1e6:.1f} MB from {got.source}",
        f"  origin   {got.origin}",
        f"  licence  {got.licence}",
        f"  sha256   {got.sha256}",
        f"  in       {got.path}",
    ]
    emit(vars(got), "\n".join(lines), as_json=as_json)
