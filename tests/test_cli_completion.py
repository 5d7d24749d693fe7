"""The shells complete what is typed: asked of the shells themselves where they are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import answered, printed, refused
from conftest import missing

BIN = Path(sys.executable).parent


def completed_by_bash(words: str) -> list[str]:
    """What bash offers for the last of the words, after the script was read as users read it."""
    code = f"""
        eval "$(ossicle completion bash)"
        [ "$(complete -p ossicle)" = "complete -o nosort -F _ossicle_completion ossicle" ] || exit 9
        COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _ossicle_completion ossicle
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    run = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ossicle feat", ["features"]),
        ("ossicle data sp", ["split"]),
        ("ossicle predict a b --form", ["--format"]),
        ("ossicle predict a b --format r", ["raven"]),
        ("ossicle completion f", ["fish"]),
    ],
)
def test_bash_completes_verbs_options_and_values(words, offered):
    if shutil.which("bash") is None:
        missing("bash is not installed")
    assert completed_by_bash(words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_whole_and_named_in_the_help(shell):
    script = answered("completion", shell)["script"]
    assert script + "\n" == printed("completion", shell)
    assert "_OSSICLE_COMPLETE" in script
    assert f"ossicle completion {shell}" in printed("completion", "--help")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_itself_takes_the_script(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = printed("completion", shell)
    run = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")


def test_another_shell_is_refused_with_those_there_are():
    assert "'bash', 'zsh', 'fish'" in refused(2, "completion", "tcsh")
