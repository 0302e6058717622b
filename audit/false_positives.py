"""How often harmless drawings are flagged, group by group, and whether that has grown.

The drawings are `audit.demo.harmless`'s: numbered, so that two scorers are asked about the very
same pictures. The bundled scorers' figures lie in `data/false-positives.json`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.card import find_scorer, read_card, scorers, write_card
from audit.demo.harmless import GROUPS, draw_harmless
from audit.errors import UsageError
from audit.evaluation.intervals import clopper_pearson
from audit.evaluation.judged import FLAGGED
from audit.images import load
from audit.resources import data_path
from audit.taxonomy import SAFE, TYPES

if TYPE_CHECKING:
    from audit.registry import AnyScorer

COUNT = 60
"""Pictures of a group in the committed figures."""

CARD_NAME = "false-positives"
RARE = 0.01
"""A count less likely than this under the committed rate is no counting noise."""

Picture = tuple[str, int, bytes]
"""Group, number in the group, image file."""


@dataclass(frozen=True, slots=True)
class Group:
    """What a scorer made of one group.

    images   pictures scored, those numbered 0 .. images - 1
    flagged  numbers of the pictures with risk >= FLAGGED, rising
    wrong    risk type -> how many of the flagged had it as their likeliest
    """

    name: str
    images: int
    flagged: tuple[int, ...]
    wrong: Mapping[str, int]

    @property
    def rate(self) -> float:
        """The share flagged."""
        return len(self.flagged) / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """Exact binomial 95 % interval of the rate."""
        return clopper_pearson(len(self.flagged), self.images)

    @property
    def wrong_type(self) -> str | None:
        """The risk type that most of the flagged have."""
        return max(self.wrong, key=lambda name: self.wrong[name], default=None)

    def to_json(self) -> dict[str, Any]:
        """With rate and interval, so that a reader need not compute them."""
        low, high = self.interval
        return {
            "images": self.images, "rate": round(self.rate, 4),
            "interval": [round(low, 4), round(high, 4)],
            "wrong": dict(self.wrong), "flagged": list(self.flagged),
        }  # fmt: skip


def pictures(count: int, groups: Sequence[str] = GROUPS) -> Iterator[Picture]:
    """The first `count` pictures of every group."""
    for group in groups:
        for number in range(count):
            yield group, number, draw_harmless(group, number)


def measure(
    scorer: AnyScorer,
    drawn: Iterable[Picture],
    *,
    batch: int = 64,
    progress: Callable[[int], None] | None = None,
) -> tuple[Group, ...]:
    """Score drawn pictures the way a scan does; groups come back in the order they came.

    raises  UsageError when the scorer does not say how safe a picture is
    """
    images: Counter[str] = Counter()
    flagged: dict[str, list[int]] = {}
    wrong: dict[str, Counter[str]] = {}
    waiting: list[tuple[str, int, np.ndarray]] = []

    def flush() -> None:
        types = scorer.score(np.stack([pixels for _, _, pixels in waiting])).types
        if np.isnan(types[:, SAFE]).any():
            raise UsageError(f"{scorer.card.name}: gives no probability of being safe; use another")
        risky = np.nan_to_num(np.delete(types, SAFE, axis=1), nan=-1.0).argmax(1)
        names = [name for i, name in enumerate(TYPES) if i != SAFE]
        for (group, number, _), safe, kind in zip(waiting, types[:, SAFE], risky, strict=True):
            images[group] += 1
            if 1 - safe >= FLAGGED:
                flagged.setdefault(group, []).append(number)
                wrong.setdefault(group, Counter())[names[kind]] += 1
        waiting.clear()
        if progress:
            progress(images.total())

    for group, number, data in drawn:
        picture = load(data, size=scorer.size, crop_mode=scorer.crop_mode, preview=False)
        waiting.append((group, number, picture.pixels))
        if len(waiting) == batch:
            flush()
    if waiting:
        flush()
    return tuple(
        Group(name, count, tuple(flagged.get(name, ())), dict(wrong.get(name, {})))
        for name, count in images.items()
    )


def grown(found: Sequence[Group], committed: Sequence[Group]) -> list[str]:
    """One line for each group, and for all together, that flags more than was committed.

    Allowed is the larger of two counts: what was flagged among the very same pictures, and the
    most that the committed rate explains with a probability of RARE. The rate is taken as
    (flagged + 1) / (images + 2), because none of 60 does not mean never.
    """
    before = {group.name: group for group in committed}
    lines = []
    for group in found:
        old = before.get(group.name)
        if old is None:
            lines.append(f"{group.name}: no committed figure; record it")
            continue
        same = sum(number < group.images for number in old.flagged)
        lines += _beyond(group.name, len(group.flagged), group.images, same,
                         len(old.flagged), old.images)  # fmt: skip
    both = [(group, before[group.name]) for group in found if group.name in before]
    if both:
        lines += _beyond(
            "all groups",
            sum(len(group.flagged) for group, _ in both),
            sum(group.images for group, _ in both),
            sum(number < group.images for group, old in both for number in old.flagged),
            sum(len(old.flagged) for _, old in both),
            sum(old.images for _, old in both),
        )
    return lines


def _beyond(
    name: str, flagged: int, images: int, same: int, old_flagged: int, old_images: int
) -> list[str]:
    """A line when `flagged` of `images` is more than allowed; see `grown`."""
    allowed = max(same, explained(images, (old_flagged + 1) / (old_images + 2)))
    if flagged <= allowed:
        return []
    return [
        f"{name}: {flagged} of {images} flagged, at most {allowed} expected of the committed "
        f"{old_flagged} of {old_images}"
    ]


def explained(images: int, rate: float) -> int:
    """The greatest count that `images` pictures reach or exceed with probability RARE at a rate."""
    from scipy.special import bdtrc

    count = 0
    while count < images and bdtrc(count, images, rate) >= RARE:
        count += 1
    return count


def summary(found: Sequence[Group]) -> dict[str, Any]:
    """The figures for a card; all groups weigh the same, as they have as many pictures."""
    images = sum(group.images for group in found)
    flagged = sum(len(group.flagged) for group in found)
    low, high = clopper_pearson(flagged, images)
    return {
        "images": images,
        "risky": 0,
        "flagged_at": FLAGGED,
        "harmless_flagged": round(flagged / images, 4),
        "harmless_flagged_interval": [round(low, 4), round(high, 4)],
        "groups": {
            group.name: [round(v, 4) for v in (group.rate, *group.interval)] for group in found
        },
    }


def bundled_name(name_or_folder: str | Path) -> str | None:
    """The name of a bundled scorer, however it was given; None for any other."""
    for name, folder in scorers():
        if str(name_or_folder) == name or Path(name_or_folder).resolve() == folder.resolve():
            return name
    return None


def committed(scorer: str | None) -> tuple[Group, ...]:
    """The committed figures of a bundled scorer, empty when there are none.

    raises  UsageError when the file cannot be read
    """
    path = _path()
    try:
        entry = json.loads(path.read_text(encoding="utf-8")).get(scorer, {})
        return tuple(
            Group(name, g["images"], tuple(g["flagged"]), g["wrong"])
            for name, g in entry.get("groups", {}).items()
        )
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not readable figures ({error}); fetch it again") from None


def record(name_or_folder: str | Path, scorer: AnyScorer, found: Sequence[Group]) -> list[Path]:
    """Put the figures onto the scorer's card and, of a bundled scorer, among the committed ones.

    returns  what was written: the folder of the card, the file of committed figures
    raises   UsageError for a scorer that has no folder, and so no card on disk
    """
    folder = find_scorer(name_or_folder)
    card = read_card(folder)
    card.metrics[CARD_NAME] = summary(found)
    write_card(folder, card)
    name = bundled_name(folder)
    if name is None:
        return [folder]
    path = _path()
    entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    entries[name] = {
        "fingerprint": scorer.fingerprint,
        "flagged_at": FLAGGED,
        "groups": {group.name: group.to_json() for group in found},
    }
    path.write_text(_one_line_a_group(entries), encoding="utf-8")
    return [folder, path]


def _one_line_a_group(entries: Mapping[str, Any]) -> str:
    """JSON in which a changed group is a changed line."""
    parts = []
    for scorer, entry in sorted(entries.items()):
        groups = ",\n".join(
            f"   {json.dumps(name)}: {json.dumps(group)}" for name, group in entry["groups"].items()
        )
        head = json.dumps({k: v for k, v in entry.items() if k != "groups"})[1:-1]
        parts.append(f' {json.dumps(scorer)}: {{\n  {head},\n  "groups": {{\n{groups}\n  }}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _path() -> Path:
    return data_path("false-positives.json")
