"""A group of verbs, each imported when it is asked for."""

import builtins
import importlib
import keyword
from typing import Any

import click

from ossicle.errors import nearest

__all__ = ["Verbs"]


class Verbs(click.Group):
    """Verbs that live in one file each.

    Parameters
    ----------
    package : str
        Where the files are.
    words : tuple of str
        The verbs in the order in which help lists them; each names its file and its command,
        with an underscore behind it if Python has the word for itself.
    **settings
        Of `click.Group`.
    """

    def __init__(self, *, package: str, words: tuple[str, ...], **settings: Any) -> None:
        super().__init__(**settings)
        self._package = package
        self._words = words

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in their order."""
        return list(self._words)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, from the module of its name."""
        if cmd_name not in self._words:
            return None
        is_taken = keyword.iskeyword(cmd_name) or hasattr(builtins, cmd_name)
        name = f"{cmd_name}_" if is_taken else cmd_name
        module = importlib.import_module(f"{self._package}.{name}")
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest verb for a mistyped one."""
        if args and args[0] not in self._words and not args[0].startswith("-"):
            ctx.fail(f"no verb {args[0]!r}; {nearest(args[0], self._words)}")
        return super().resolve_command(ctx, args)
