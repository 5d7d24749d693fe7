"""What the experiment is made of, and how large it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ALARMS", "FULL", "KINDS", "ROOMS", "SIGNIFICANT", "SMALL", "SNRS", "Settings"]

ALARMS = ("siren", "clock_alarm", "car_horn", "church_bells")

SIGNIFICANT = (
    *("crying_baby", "dog", "door_wood_knock", "glass_breaking", "laughing", "keyboard_typing"),
    *("coughing", "sneezing", "clapping", "cat", "footsteps", "can_opening", "mouse_click"),
    "snoring",
)

ROOMS = ("doing_the_dishes", "dude_miaowing", "exercise_bike", "running_tap")
"""One recording each: its beginning trains, its end tests."""

KINDS = ("rain", "wind", "vacuum_cleaner", "washing_machine")
"""ESC-50 labels: some recordings train, others test."""

SNRS = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)

BANDS_AND_CEPSTRA = {
    "name": "mfcc",
    "n_mfcc": 40,
    "with_bands": True,
    "n_fft": 1024,
    "hop_length": 256,
    "top_db": 80.0,
}
"""The front end of ossicle's default grid."""

METHODS: tuple[Mapping[str, Any], ...] = (
    {"model": ["svm"], "C": [1.0, 10.0, 100.0], "gamma": ["0.1*scale", "0.3*scale", "scale"]},
    {"model": ["logreg"], "C": [0.001, 0.01, 0.1, 1.0, 10.0]},
    {"model": ["knn"], "n_neighbors": [1, 3, 5, 9, 15, 31]},
)
"""The paper's three methods."""

INTEGRATIONS = ["mean", "meanvar", "mean+std+change", "mean+std+min+max+change"]

DESCRIPTIONS: tuple[Mapping[str, Any], ...] = (
    {"front_end": ["short_term"], "n_fft": [800, 1600], "integration": INTEGRATIONS},
    {"front_end": [{"name": "short_term", "n_fft": 1600, "hop_length": 1600}]}
    | {"integration": ["stack"]},
    {"front_end": ["log_mel", BANDS_AND_CEPSTRA], "integration": INTEGRATIONS},
)
"""The paper's 34 features in frames of 50 and 100 ms (its own are 46 and 93), and ossicle's."""

FEW_DESCRIPTIONS: tuple[Mapping[str, Any], ...] = (
    {"front_end": ["short_term", BANDS_AND_CEPSTRA], "integration": ["meanvar"]},
)
FEW_METHODS: tuple[Mapping[str, Any], ...] = ({"model": ["svm"], "C": [10.0]}, {"model": ["knn"]})


@dataclass(frozen=True)
class Settings:
    """How large the experiment is; all else is fixed."""

    n_train: int = 1500
    n_test: int = 900
    n_place_train: int = 504
    n_place_test: int = 360
    n_place_draws: int = 3
    n_timed: int = 600
    n_rounds: int = 2
    leave_out: float = 0.1
    sizes: tuple[int, ...] = (60, 120, 240, 480, 960, 1500)
    n_draws: int = 12
    n_resamples: int = 1000
    seed: int = 0
    small: bool = False

    @property
    def grid(self) -> list[dict[str, Any]]:
        """Every description of the sounds with every setting of the three methods."""
        descriptions = FEW_DESCRIPTIONS if self.small else DESCRIPTIONS
        methods = FEW_METHODS if self.small else METHODS
        return [{**how, **method} for how in descriptions for method in methods]

    @property
    def timed_grid(self) -> list[dict[str, Any]]:
        """The part of the grid that run time is measured on: the paper's features."""
        return [part for part in self.grid if "short_term" in part["front_end"]]


FULL = Settings()

SMALL = Settings(
    n_train=96,
    n_test=48,
    n_place_train=56,
    n_place_test=24,
    n_place_draws=2,
    n_timed=24,
    n_rounds=1,
    leave_out=0.25,
    sizes=(24, 48, 96),
    n_draws=2,
    n_resamples=100,
    small=True,
)
