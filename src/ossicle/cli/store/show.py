"""``ossicle store show``: what made an artifact, from what, and what it holds."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from ossicle.cli.store.place import opened, size_text, store_option
from ossicle.cli.terminal import as_json, emit

__all__ = ["show"]


@click.command()
@click.argument("key")
@store_option
@as_json
def show(key: str, place: Path, as_json: bool) -> None:
    """Show what made an artifact: its recipe, its inputs, its files, its figures.

    KEY is a pin's name, or the first digits of a key, four or more.

    \b
    ossicle store show 3f9ab2
    """
    from ossicle.workflow.lineage import shown

    store = opened(place)
    found = shown(store, store.find(key))
    emit(found, "\n".join(_lines(found)), as_json=as_json)


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    seconds = found.get("seconds")
    took = "" if seconds is None else f" in {seconds:g} s"
    yield f"{found['key']}  {found['step']}"
    yield f"made      {found.get('finished', 'unknown')}{took}"
    yield f"lies in   {found['path']}"
    yield from (f"pinned    {name}" for name in found["pins"])
    if found["flag"]:
        yield f"flagged   the same recipe gave other bytes: {', '.join(found['flag']['files'])}"
    for title in ("version", "parameters", "provenance"):
        yield from _section(title, found[title])
    inputs = {name: _origin(*each) for name, each in found["origins"].items()}
    yield from _section("inputs", inputs)
    sizes = {name: size_text(size) for name, size in found["sizes"].items()}
    yield from _section("files", sizes)
    yield from _section("figures", found["figures"])


def _origin(digest: str, keys: list[str]) -> str:
    made = ", ".join(key[:12] for key in keys)
    return f"{digest[:12]}  from {made}" if made else f"{digest[:12]}  from outside"


def _section(title: str, values: Any) -> Iterator[str]:
    pairs = values if isinstance(values, Mapping) else {"": values}
    if pairs:
        yield f"\n{title}"
    for name, value in pairs.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"  {name}{'  ' if name else ''}{text}"
