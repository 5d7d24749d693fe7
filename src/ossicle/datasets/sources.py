"""Sounds to mix from, dealt to train, validation and test so that no part hears another's.

What shares a group's name or a file's bytes is one group, whatever its role and folder. Sources
are ordered by what they hold, so neither their names' order nor that of their folders matters.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ossicle.audio import info
from ossicle.datasets.dataset import SPLITS, Dataset
from ossicle.datasets.splits import grouped_split
from ossicle.errors import AudioError, DatasetError
from ossicle.types import Clip
from ossicle.workflow.files import file_digests

__all__ = ["ROLES", "Pools", "Source", "deal_sources", "gather_sources"]

ROLES = ("alarm", "significant", "background", "room")
"""What a source is in a mix; sources of an earlier role choose their part first."""

NEEDED = ("alarm", "background")

SHORTEST_BACKGROUND = 1.0
"""Seconds; shorter stretches would be repeated too often."""

Skipped = tuple[str, str]
Given = tuple[str, Dataset, float]


@dataclass(frozen=True, slots=True)
class Source:
    """A stretch of a recording that mixes may take from.

    Parameters
    ----------
    clip : Clip
    role : str
        One of ``ROLES``.
    path : str
        Where the file lies, absolute.
    digest : str
        Of the file's bytes.
    start, end : float
        Seconds into the recording.
    label : str
        Blank where the source is not labelled.
    group : str
        The same for all that must stay in one part.
    weight : float
        How often it is taken, relative to others of its role.
    """

    clip: Clip
    role: str
    path: str
    digest: str
    start: float
    end: float
    label: str
    group: str
    weight: float = 1.0

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


Pools = Mapping[str, Sequence[Sequence[Source]]]
"""Sources of each role for train, validation and test."""


def gather_sources(given: Iterable[Given]) -> tuple[list[Source], list[Skipped]]:
    """Every clip of the data sets as a source of a role and a weight; or why it is none."""
    found: list[Source] = []
    skipped: list[Skipped] = []
    for role, dataset, weight in given:
        task = dataset.tasks[0].name if dataset.tasks else ""
        for clip in dataset:
            source = _source(clip, role, clip.labels.get(task, ""))
            if isinstance(source, Source):
                found.append(replace(source, weight=weight))
            else:
                skipped.append(source)
    digests = file_digests(source.clip.path for source in found)
    digested: list[Source] = []
    for source in found:
        file = digests[source.clip.path]
        if isinstance(file, str):
            digested.append(replace(source, digest=file))
        else:
            skipped.append((source.path, str(file)))
    named = [source for source in digested if source.clip.group]
    root = _components((source.digest, f"group {source.clip.group}") for source in named)
    linked = [replace(source, group=root(source.digest)[:12]) for source in digested]
    return sorted(linked, key=_content), sorted(skipped)


def deal_sources(
    sources: Sequence[Source], fractions: Sequence[float], *, seed: int = 0
) -> dict[str, list[list[Source]]]:
    """Sources of each role for train, validation and test; no group in two parts.

    Labels are balanced. A group that several roles share is in one part for all. Backgrounds of
    fewer groups than parts are cut in time instead: each part has its own stretch of every one.

    Raises
    ------
    DatasetError
        If a role has too few groups, or too short backgrounds, for the parts asked for.
    """
    pools: dict[str, list[list[Source]]] = {}
    part_of: dict[str, int] = {}
    for role in ROLES:
        mine = [source for source in sources if source.role == role]
        if not mine and role not in NEEDED:
            continue
        n_groups, n_parts = len({s.group for s in mine}), sum(f > 0 for f in fractions)
        if role == "background" and n_groups < n_parts:
            pools[role] = _cut_in_time(mine, fractions)
        else:
            pools[role] = _by_group(mine, fractions, part_of, seed)
        _check_pools(role, pools[role], fractions, n_groups)
    return pools


def _source(clip: Clip, role: str, label: str) -> Source | Skipped:
    path = clip.path.absolute().as_posix()
    try:
        length = info(clip.path).duration
    except AudioError as error:
        return path, str(error)
    end = length if clip.end is None else min(clip.end, length)
    least = SHORTEST_BACKGROUND if role == "background" else 0.0
    if end - clip.start <= 0.0 or end - clip.start < least:
        return path, f"{end - clip.start:.2f} s of it are too short for a {role}"
    return Source(clip, role, path, "", clip.start, end, label, "")


def _components(pairs: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    """The least name that a name is linked to, directly or through others."""
    above: dict[str, str] = {}

    def root(name: str) -> str:
        while (next_name := above.get(name, name)) != name:
            name = next_name
        return name

    for pair in pairs:
        low, high = sorted(map(root, pair))
        above[high] = low
    return root


def _content(source: Source) -> tuple[object, ...]:
    """What orders sources: what they hold before where they lie."""
    s = source
    return ROLES.index(s.role), s.digest, s.start, s.end, s.label, s.path, s.clip.group, s.weight


def _by_group(
    sources: Sequence[Source], fractions: Sequence[float], part_of: dict[str, int], seed: int
) -> list[list[Source]]:
    """Whole groups to parts; groups that already have a part keep it."""
    free = [source for source in sources if source.group not in part_of]
    parts = [part for part, share in enumerate(fractions) if share > 0]
    shares = [fractions[part] for part in parts]
    groups = [source.group for source in free]
    if len(set(groups)) < len(parts):
        part_of.update(dict.fromkeys(groups, parts[int(np.argmax(shares))]))
    else:
        _, numbers = np.unique(groups, return_inverse=True)
        _, targets = np.unique([source.label for source in free], return_inverse=True)
        dealt = grouped_split(numbers, targets, shares, seed=seed)
        for part, members in zip(parts, dealt, strict=True):
            part_of.update((groups[index], part) for index in members)
    return [[s for s in sources if part_of[s.group] == part] for part in range(len(fractions))]


def _cut_in_time(sources: Sequence[Source], fractions: Sequence[float]) -> list[list[Source]]:
    """Of every source one contiguous stretch for each part, in the order of the parts."""
    edges = np.concatenate([[0.0], np.cumsum(fractions)])
    pools: list[list[Source]] = []
    for part, share in enumerate(fractions):
        pieces = [_stretch(s, edges[part], edges[part + 1], SPLITS[part]) for s in sources]
        pools.append([p for p in pieces if share > 0 and p.duration >= SHORTEST_BACKGROUND])
    return pools


def _stretch(source: Source, first: float, last: float, part: str) -> Source:
    start, end = (source.start + source.duration * min(share, 1.0) for share in (first, last))
    start, end = (math.floor(time * 1000.0) / 1000.0 for time in (start, end))
    return replace(source, start=max(start, source.start), end=end, group=f"{source.group} {part}")


def _check_pools(
    role: str, parts: Sequence[Sequence[Source]], fractions: Sequence[float], n_groups: int
) -> None:
    lacking = [
        name
        for name, part, share in zip(SPLITS, parts, fractions, strict=True)
        if share > 0 and not part
    ]
    if lacking:
        remedy = (
            f"record at least {SHORTEST_BACKGROUND:g} s for each part, or more recordings"
            if role == "background"
            else "give more recordings, or a fraction of 0 to a part"
        )
        raise DatasetError(
            f"{n_groups} independent {role} sounds leave nothing for {' and '.join(lacking)}; "
            f"each part needs its own: {remedy}"
        )
