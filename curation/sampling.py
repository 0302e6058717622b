"""Draws a stratified random sample of what a policy keeps, and records how it was drawn.

`CATALOG/samples/<id>.json` is written once and never changed; its id is the hash of what it says.
A sample belongs to a frame: this catalog, this policy, and the decisions there were when the first
sample was drawn. What is drawn later from the same frame adds to it: within a stratum, images drawn
at random from those that were left and the images drawn before are together one random sample
(each image of the stratum has the same chance to be in it), so all count alike.

The images are in an order of their own in which every beginning is again a random sample of every
stratum: whoever stops half-way has an estimate with wider limits, not another one.

Letters in shapes: N rows of the catalog, H strata.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from audit.errors import UsageError
from audit.outcomes import Outcome, settle
from audit.parts import replacing
from audit.taxonomy import LEVELS, TYPES
from audit.verdicts import Decision
from curation import arrays
from curation.arrays import Ints
from curation.gathering import Gathered, usable
from curation.rules import INCLUDED
from curation.selection import select
from curation.strata import FLOOR, Population, Stratum, allocate, cut_again, stratify, weights

FOLDER = "samples"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """What samples were drawn from; those of equal frames add up.

    catalog    hash of the catalog's parts; scorer: fingerprint of the scorer
    policy     hash of the policy
    whole      of everything that has scores, not only of what the policy keeps
    decisions  reviewer -> how many decisions there were
    tombstoned row_ids of what takedowns had named
    """

    catalog: str
    scorer: str
    policy: str
    whole: bool
    decisions: Mapping[str, int]
    tombstoned: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One draw.

    rows        row_ids in the order of review; stratum: of each, index in `strata`
    adds_to     ids of the samples drawn before from the same frame
    """

    id: str
    seed: int
    allocation: str
    frame: Frame
    strata: tuple[Stratum, ...]
    rows: tuple[int, ...]
    stratum: tuple[int, ...]
    adds_to: tuple[str, ...]


def population(gathered: Gathered, frame: Frame | None, *, whole: bool = False) -> Population:
    """What is kept: as it was when a frame was made, or now (None)."""
    if frame is None:
        outcomes: Mapping[int, Outcome] = gathered.outcomes
        gone = gathered.tombstoned
    else:
        said = settle(first(gathered.log.decisions, frame.decisions))
        outcomes, _ = usable(said, gathered.rows, gathered.scorer)
        whole = frame.whole
        gone = np.isin(gathered.rows["row_id"].to_numpy(), frame.tombstoned)
    found = select(
        gathered.rows,
        gathered.policy,
        outcomes,
        shards=gathered.shards,
        tombstoned=gone,
        alike=gathered.alike,
    )
    if whole:
        inside = arrays.equal(gathered.rows, "status", "scored")
        if gone is not None:
            inside = inside & ~gone
    else:
        inside = arrays.indices(found["action"], INCLUDED) >= 0
    return Population(
        inside,
        arrays.indices(found["type"], TYPES),
        arrays.indices(found["level"], LEVELS),
    )


def first(decisions: Collection[Decision], counts: Mapping[str, int]) -> list[Decision]:
    """The first so many decisions of each reviewer."""
    left = dict(counts)
    kept = []
    for decision in decisions:
        if left.get(decision.reviewer, 0) > 0:
            left[decision.reviewer] -= 1
            kept.append(decision)
    return kept


def frame_of(gathered: Gathered, catalog: str, *, whole: bool = False) -> Frame:
    """The frame of a catalog (its hash) and a policy as they are now."""
    counts: dict[str, int] = {}
    for decision in gathered.log.decisions:
        counts[decision.reviewer] = counts.get(decision.reviewer, 0) + 1
    gone: list[int] = []
    if gathered.tombstoned is not None:
        gone = gathered.rows["row_id"].to_numpy()[gathered.tombstoned].tolist()
    return Frame(catalog, gathered.scorer, gathered.policy.hash, whole, counts, tuple(gone))


def matching(samples: Sequence[Sample], frame: Frame) -> tuple[Sample, ...]:
    """The samples that a new one adds to: of this catalog and policy, and the latest frame."""
    about = (frame.catalog, frame.policy, frame.whole)
    same = [s for s in samples if (s.frame.catalog, s.frame.policy, s.frame.whole) == about]
    latest = max((s.frame for s in same), key=_age, default=None)
    return tuple(s for s in same if s.frame == latest)


def _age(frame: Frame) -> tuple[int, int]:
    """Neither decisions nor tombstones are ever taken away."""
    return sum(frame.decisions.values()), len(frame.tombstoned)


def draw(
    catalog_dir: Path,
    gathered: Gathered,
    catalog: str,
    count: int,
    seed: int,
    *,
    whole: bool = False,
    neyman: Sequence[float] | None = None,
    afresh: bool = False,
) -> Sample:
    """Draw a sample and record it, or give back the one that these arguments drew before.

    catalog  hash of the catalog
    neyman   [H] shares of risky images in the strata, as estimated from what was drawn so far:
             half of the allocation then follows where they say that images differ most
    afresh   from what is kept now: what was drawn before decisions changed that no longer counts
    raises   UsageError when there is nothing to draw from, or nothing left, or the seed was used up
    """
    with _alone(catalog_dir / FOLDER):
        now = frame_of(gathered, catalog, whole=whole)
        before = matching(read(catalog_dir), now)
        if afresh and before and before[0].frame != now:
            before = ()
        for sample in before:
            if sample.seed == seed and len(sample.rows) == count:
                return sample
            if sample.seed == seed:
                raise UsageError(
                    f"seed {seed} has drawn {len(sample.rows):,} images of this already "
                    f"({sample.id}); give another seed to add to them"
                )
        frame = before[0].frame if before else now
        found = population(gathered, frame)
        if before:
            strata = before[0].strata
            code = cut_again(gathered.rows, found, strata)
        else:
            strata, code = stratify(gathered.rows, found, count // (2 * FLOOR))
        ids = gathered.rows["row_id"].to_numpy()
        drawn = np.array([row for sample in before for row in sample.rows], np.int64)
        code = np.where(np.isin(ids, drawn), -1, code)
        if gathered.tombstoned is not None:
            code[gathered.tombstoned] = -1  # named since, and to be shown to nobody
        so_far = np.bincount(
            [s for sample in before for s in sample.stratum], minlength=len(strata)
        )
        sizes = np.array([s.population for s in strata])
        wanted = allocate(sizes, so_far, count, weights(sizes, neyman))
        rows, stratum = _pick(ids, code, wanted, (seed, len(before)))
        if not rows:
            raise UsageError(
                "all of it was drawn before, so nothing is left; review what was drawn"
            )
        content = {
            "format": FORMAT,
            "seed": seed,
            "allocation": "proportional with a floor" if neyman is None else "half Neyman's",
            "frame": asdict(frame),
            "strata": [asdict(s) for s in strata],
            "rows": rows,
            "stratum": stratum,
            "adds_to": [sample.id for sample in before],
        }
        text = json.dumps(content, sort_keys=True)
        path = catalog_dir / FOLDER / f"{_digest(text)}.json"
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="ascii")
        path.chmod(0o444)
        return _sample(path)


def read(catalog_dir: Path) -> list[Sample]:
    """All samples of a catalog, those that others add to first; UsageError for a changed one."""
    samples = [_sample(path) for path in sorted((catalog_dir / FOLDER).glob("*.json"))]
    return sorted(samples, key=lambda sample: (len(sample.adds_to), sample.id))


def _pick(
    ids: Ints, code: Ints, wanted: Ints, seed: tuple[int, int]
) -> tuple[list[int], list[int]]:
    """(row_ids, strata) drawn at random, mixed so that every beginning has its share of each."""
    rng = np.random.default_rng(seed)
    rows, strata, place = [], [], []
    for stratum, count in enumerate(wanted.tolist()):
        candidates = np.sort(ids[code == stratum])
        picked = rng.permutation(candidates)[:count]
        rows += picked.tolist()
        strata += [stratum] * len(picked)
        place += ((np.arange(len(picked)) + rng.random(len(picked))) / max(1, len(picked))).tolist()
    order = np.argsort(place, kind="stable").tolist()
    return [rows[i] for i in order], [strata[i] for i in order]


def _sample(path: Path) -> Sample:
    text = path.read_text(encoding="utf-8")
    if _digest(text) != path.stem:
        raise UsageError(f"{path}: was changed since it was drawn; put it back, or remove it")
    record = json.loads(text)
    if record.get("format") != FORMAT:
        raise UsageError(f"{path}: not of format {FORMAT}; draw again")
    return Sample(
        id=path.stem,
        seed=record["seed"],
        allocation=record["allocation"],
        frame=Frame(**{**record["frame"], "tombstoned": tuple(record["frame"]["tombstoned"])}),
        strata=tuple(Stratum(**s) for s in record["strata"]),
        rows=tuple(record["rows"]),
        stratum=tuple(record["stratum"]),
        adds_to=tuple(record["adds_to"]),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else draws meanwhile: two draws at once could pick the same image twice."""
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
