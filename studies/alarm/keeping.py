"""Where everything lies that the experiment makes, and how a finished part is found again."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ossicle import Dataset
from ossicle.workflow.code import code_digest
from ossicle.workflow.files import canonical_json, digest, read_json, write_json
from ossicle.workflow.store import Store
from studies.alarm import mixes, sounds
from studies.alarm.settings import Settings

__all__ = ["Workplace"]

HERE = Path(__file__).parent
OSSICLE = ("audio", "classifier", "datasets", "evaluation", "features", "models", "selection")
MIXING = ("audio", "datasets", "workflow")
MADE_BY = ("settings", "sounds", "mixes", "learning", "detection", "places", "curve", "times")
"""Files of this folder that decide figures; the others only write them down."""


@dataclass(frozen=True)
class Workplace:
    """Recordings, settings, and the folder in which every finished part is kept."""

    settings: Settings
    data: Path
    work: Path
    n_jobs: int

    @cached_property
    def sounds(self) -> tuple[sounds.Sounds, sounds.Sounds]:
        """The training and the test side."""
        return sounds.read_sounds(self.data)

    @cached_property
    def mixes(self) -> tuple[Dataset, Dataset]:
        """Training and test mixes in all places."""
        train, test = (self._mixed(is_test) for is_test in (False, True))
        return train, test

    def places(self, draw: int) -> tuple[dict[str, Dataset], dict[str, Dataset]]:
        """Training and test mixes in each place; other draws hold other mixes."""
        train, test = (self._by_place(draw, is_test) for is_test in (False, True))
        return train, test

    @property
    def features(self) -> Path:
        """The feature store."""
        return self.work / "features"

    def kept(
        self, part: str, measure: Callable[..., dict[str, Any]], *inputs: Any
    ) -> dict[str, Any]:
        """What a part measured, now or before, from the same recordings, settings and code."""
        store = Store(self.work / "parts")
        parameters = {"settings": asdict(self.settings), "inputs": list(inputs)}
        recipe: dict[str, Any] = {
            "step": part,
            "version": _version(),
            "parameters": parameters,
            "inputs": [self._prints],
        }
        key = store.key(**recipe)
        if store.get(key) is None:
            print(f"{part} …", file=sys.stderr, flush=True)
            found = measure(self, *inputs)
            with store.writing(key, **recipe) as folder:
                write_json(folder / "figures.json", found)
        artifact = store.get(key)
        assert artifact is not None
        figures: dict[str, Any] = read_json(artifact.path / "figures.json")
        return figures

    @cached_property
    def _prints(self) -> str:
        return digest(*(each.fingerprint() for side in self.sounds for each in side))

    @property
    def _mixed_in(self) -> Path:
        """Where mixes of this code and these settings lie; others keep theirs."""
        ours = _sources("settings", "sounds", "mixes")
        made_by = digest(code_digest(*MIXING), canonical_json(asdict(self.settings)), *ours)
        return self.work / "mixes" / made_by[:12]

    def _mixed(self, is_test: bool) -> Dataset:
        s, out = self.settings, self._mixed_in / ("test" if is_test else "train")
        n = s.n_test if is_test else s.n_train
        return mixes.mixed(
            self.sounds[is_test], out, n, is_test=is_test, seed=s.seed, n_jobs=self.n_jobs
        )

    def _by_place(self, draw: int, is_test: bool) -> dict[str, Dataset]:
        s, side = self.settings, "test" if is_test else "train"
        n, seed = s.n_place_test if is_test else s.n_place_train, s.seed + 1 + draw
        out = self._mixed_in / f"places_{side}_{draw}"
        return mixes.mixed_by_place(
            self.sounds[is_test], out, n, is_test=is_test, seed=seed, n_jobs=self.n_jobs
        )


@cache
def _version() -> str:
    """Of the code that decides figures: ossicle's and the study's."""
    return digest(code_digest(*OSSICLE), *_sources(*MADE_BY))


def _sources(*names: str) -> list[bytes]:
    return [(HERE / f"{name}.py").read_bytes() for name in names]
