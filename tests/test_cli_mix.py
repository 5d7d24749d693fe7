"""``ossicle data mix``: options and recipes say the same, and the picture is drawn."""

from pathlib import Path

import pytest
from commands import answered, printed, refused
from mixed_sounds import RATE, digests, lines, sources, write_sounds

RECIPE = """
alarms = "alarms"
significant = "other"
background = "room"
n = 20
duration = 1
sample_rate = 8000
events = [1, 3]
overlap = false
snr = [-5, 0, 5]
rooms = [0.2, 0.4]
"""


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_sounds(tmp_path_factory.mktemp("sounds"))
    (root / "home.toml").write_text(RECIPE)
    return root


def test_a_recipe_and_the_same_options_make_the_same_bytes(sounds: Path, tmp_path: Path) -> None:
    folders = ["--alarms", sounds / "alarms", "--background", sounds / "room"]
    words = [*folders, "--significant", sounds / "other", "--clips", 20, "--duration", 1]
    words += ["--sample-rate", RATE, "--events", 1, 3, "--in-turn", "--exact-snr", "-5,0,5"]
    report = answered("data", "mix", *words, "--rt60", 0.2, 0.4, "--out", tmp_path / "said")
    assert report["labels"] == {"label": {"alarm": 10, "other": 10}}
    assert answered("data", "mix", sounds / "home.toml", "--out", tmp_path / "read") == {
        **report,
        "name": "read",
    }
    assert digests(tmp_path / "said") == digests(tmp_path / "read")


def test_an_option_takes_the_place_of_a_setting_of_the_recipe(sounds: Path, tmp_path: Path) -> None:
    words = ["--snr", 3, 4, "--overlap", "--alarms", sounds / "alarms/bell", "--clips", 10]
    printed("data", "mix", sounds / "home.toml", *words, "--out", tmp_path / "out")
    events = [event for line in lines(tmp_path / "out") for event in line["events"]]
    assert all(3.0 <= event["snr"] <= 4.0 for event in events)
    alarms = [path for path in used(tmp_path / "out") if "alarms" in path.parts]
    assert {path.parent.name for path in alarms} == {"bell"}


def test_the_picture_of_the_mixes_is_drawn_and_the_mixes_are_made_once(
    sounds: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    words = ["data", "mix", sounds / "home.toml", "--out", tmp_path / "out"]
    printed(*words)
    before = digests(tmp_path / "out")
    printed(*words, "--plot", tmp_path / "mixed.png", "--jobs", 2)
    assert (tmp_path / "mixed.png").read_bytes().startswith(b"\x89PNG")
    assert digests(tmp_path / "out") == before


def used(out: Path) -> list[Path]:
    """Every file that the mixes are made of."""
    return [Path(source["path"]) for _, source in sources(out)]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--background", "room"), 2, "no alarms: give --alarms FOLDER"),
        (("--alarms", "alarms"), 2, "no background"),
        (("--exact-snr", "-5,loud"), 2, "'-5,loud' is no list such as -5,0,5"),
        (("--exact-snr", "1,2", "--snr", 1, 2), 2, "--exact-snr and --snr exclude each other"),
        (("--rt60", 0.1, 0.2, "--rooms", "rirs"), 2, "--rt60 and --rooms exclude each other"),
        (("no.toml",), 1, "cannot read the recipe no.toml"),
        (("--alarms", "a", "--background", "b", "--level", 9), 1, "level of 9.0 dBFS"),
    ],
)
def test_what_cannot_be_mixed_is_said_in_a_line(
    words: tuple[object, ...], status: int, said: str, tmp_path: Path
) -> None:
    assert said in refused(status, "data", "mix", *words, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
