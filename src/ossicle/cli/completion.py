"""``ossicle completion``: what makes a shell complete verbs and options."""

import click
from click.shell_completion import get_completion_class

from ossicle.cli.terminal import as_json, emit

__all__ = ["completion"]

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_OSSICLE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@as_json
@click.pass_context
def completion(context: click.Context, shell: str, as_json: bool) -> None:
    """Print what makes a shell complete verbs and options.

    Add the line of your shell to the file it reads when it starts, and open a new shell:

    \b
    bash, in ~/.bashrc:                    eval "$(ossicle completion bash)"
    zsh, in ~/.zshrc, after compinit:      eval "$(ossicle completion zsh)"
    fish, in ~/.config/fish/config.fish:   ossicle completion fish | source

    \b
    ossicle completion bash
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click completes the three shells
    script = kind(context.find_root().command, {}, "ossicle", VARIABLE).source()
    emit({"shell": shell, "script": script}, script, as_json=as_json)
