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
from typing import Any

import numpy as np
import numpy.typing as npt

from audit.errors import UsageError
from audit.parts import replacing
from audit.taxonomy import LEVELS, SAFE, TYPES
from audit.verdicts import Decision, Outcome, settle
from curation import arrays
from curation.arrays import Ints, Mask
from curation.gathering import Gathered, usable
from curation.rules import INCLUDED
from curation.selection import select

FOLDER = "samples"
FORMAT = 1
FLOOR = 5
"""Images that are drawn of a stratum at least, where it has as many."""

UNCERTAIN, UNKNOWN = "uncertain", "unknown"  # no type by the policy's thresholds; no level known
AS_SAFE = (TYPES[SAFE], UNCERTAIN)
_BANDED = 100  # images a type and level must have to be cut into bands of scores

# How finely a population is cut, the finest first: by level or not, and the shares of a group's
# images below which its bands of scores end. The upper bands are narrow: risk is at the top.
_CUTS: tuple[tuple[bool, tuple[float, ...]], ...] = (
    (True, (0.5, 0.8, 0.95, 0.99)),
    (True, (0.8, 0.95)),
    (False, (0.8, 0.95)),
    (False, ()),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What samples were drawn from; those of equal frames add up.

    catalog    hash of the catalog's parts; scorer: fingerprint of the scorer
    policy     hash of the policy
    whole      of everything that has scores, not only of what the policy keeps
    decisions  reviewer -> how many decisions there were
    """

    catalog: str
    scorer: str
    policy: str
    whole: bool
    decisions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stratum:
    """Images of one type and level (as selected; None: any) whose risk is in a band.

    low, high    the smallest and largest risk in it
    population   images
    """

    type: str | None
    level: str | None
    low: float
    high: float
    population: int

    @property
    def name(self) -> str:
        """For people."""
        kind = "/".join(part for part in (self.type, self.level) if part) or "all"
        return f"{kind}, risk {self.low:.2f} to {self.high:.2f}"


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


@dataclass(frozen=True, slots=True)
class Population:
    """The images that a frame is about.

    inside    [N]; type: [N] index in TYPES, -1 for uncertain; level: [N] likewise
    """

    inside: Mask
    type: Ints
    level: Ints


def population(gathered: Gathered, frame: Frame | None, *, whole: bool = False) -> Population:
    """What is kept: as it was when a frame was made, or now (None)."""
    if frame is None:
        outcomes: Mapping[int, Outcome] = gathered.outcomes
    else:
        said = settle(first(gathered.log.decisions, frame.decisions))
        outcomes, _ = usable(said, gathered.rows, gathered.scorer)
        whole = frame.whole
    found = select(gathered.rows, gathered.policy, outcomes, shards=gathered.shards)
    if whole:
        inside = arrays.equal(gathered.rows, "status", "scored")
    else:
        inside = np.isin(arrays.indices(_texts(found, "action"), INCLUDED), range(len(INCLUDED)))
    return Population(
        inside,
        arrays.indices(_texts(found, "type"), TYPES),
        arrays.indices(_texts(found, "level"), LEVELS),
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
    return Frame(catalog, gathered.scorer, gathered.policy.hash, whole, counts)


def matching(samples: Sequence[Sample], frame: Frame) -> tuple[Sample, ...]:
    """The samples that a new one adds to: of the same catalog and policy."""
    about = (frame.catalog, frame.policy, frame.whole)
    return tuple(s for s in samples if (s.frame.catalog, s.frame.policy, s.frame.whole) == about)


def draw(
    catalog_dir: Path,
    gathered: Gathered,
    catalog: str,
    count: int,
    seed: int,
    *,
    whole: bool = False,
    neyman: Sequence[float] | None = None,
) -> Sample:
    """Draw a sample and record it, or give back the one that these arguments drew before.

    catalog  hash of the catalog
    neyman   [H] shares of risky images in the strata, as estimated from what was drawn so far:
             half of the allocation then follows where they say that images differ most
    raises   UsageError when there is nothing to draw from, or the seed was used up
    """
    with _alone(catalog_dir / FOLDER):
        now = frame_of(gathered, catalog, whole=whole)
        before = matching(read(catalog_dir), now)
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
            code = _same(gathered, found, strata)
        else:
            strata, code = stratify(gathered.rows, found, count // (2 * FLOOR))
        ids = gathered.rows["row_id"].to_numpy()
        drawn = np.array([row for sample in before for row in sample.rows], np.int64)
        code = np.where(np.isin(ids, drawn), -1, code)
        so_far = np.bincount(
            [s for sample in before for s in sample.stratum], minlength=len(strata)
        )
        sizes = np.array([s.population for s in strata])
        wanted = allocate(sizes, so_far, count, _weights(sizes, neyman))
        rows, stratum = _pick(ids, code, wanted, (seed, len(before)))
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


def stratify(rows: Any, found: Population, most: int) -> tuple[tuple[Stratum, ...], Ints]:
    """Cut a population into strata: (the strata, [N] which one a row is in, -1 outside).

    By type and level as selected and by bands of the risk score, as finely as gives at most
    `most` strata.
    rows     columns `risk` and others, N rows
    raises   UsageError when nobody is in it
    """
    if not found.inside.any():
        raise UsageError("nothing is kept, so there is nothing to draw from; see `curate plan`")
    risk = np.nan_to_num(arrays.floats(rows, "risk"))
    for by_level, cuts in _CUTS:
        strata, code = _cut(risk, found, by_level, cuts)
        if len(strata) <= most:
            return strata, code
    one = risk[found.inside]
    whole = Stratum(None, None, float(one.min()), float(one.max()), len(one))
    return (whole,), np.where(found.inside, 0, -1)


def allocate(
    population: npt.ArrayLike, so_far: npt.ArrayLike, count: int, weights: npt.ArrayLike
) -> Ints:
    """[H] how many more to draw of each stratum, `count` in all where there are as many.

    In proportion to the weights, counting what was drawn so far; FLOOR of each stratum at least.
    """
    sizes, drawn = np.asarray(population, np.int64), np.asarray(so_far, np.int64)
    weight = np.asarray(weights, np.float64)
    target = min(int(drawn.sum()) + count, int(sizes.sum()))
    least = np.maximum(np.minimum(sizes, FLOOR), drawn)
    if least.sum() > target:  # fewer than a floor for everyone: to those that weigh most
        least = drawn.copy()
    low, high = 0.0, float(target / np.maximum(weight[weight > 0].min(), 1e-300)) + 1
    for _ in range(200):
        middle = (low + high) / 2
        filled = np.clip(middle * weight, least, sizes).sum()
        low, high = (middle, high) if filled < target else (low, middle)
    wanted = np.clip(high * weight, least, sizes)
    whole = np.floor(wanted + 1e-9).astype(np.int64)
    room = np.where(whole < sizes, wanted - whole, -1)
    for index in np.argsort(-room, kind="stable")[: max(0, target - int(whole.sum()))]:
        whole[index] += whole[index] < sizes[index]
    return whole - drawn


def _weights(sizes: Ints, shares: Sequence[float] | None) -> npt.NDArray[np.float64]:
    """What a stratum gets its images by."""
    even: npt.NDArray[np.float64] = sizes / sizes.sum()
    if shares is None:
        return even
    p = np.asarray(shares, np.float64)
    apart = sizes * np.sqrt(p * (1 - p))
    # Half stays proportional: what is nearly unseen makes the upper end of the interval.
    weights: npt.NDArray[np.float64] = (
        even if apart.sum() == 0 else (even + apart / apart.sum()) / 2
    )
    return weights


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


def _cut(
    risk: arrays.Floats, found: Population, by_level: bool, cuts: tuple[float, ...]
) -> tuple[tuple[Stratum, ...], Ints]:
    """Strata by type, by level if asked for, and by bands that end at these shares."""
    code: Ints = np.full(len(risk), -1)
    strata: list[Stratum] = []
    levels = range(-1, len(LEVELS)) if by_level else (None,)
    for kind in (*range(len(TYPES)), -1):
        for level in levels:
            group = found.inside & (found.type == kind)
            if level is not None:
                group &= found.level == level
            members = np.flatnonzero(group)
            if not len(members):
                continue
            own = risk[members]
            edges = np.unique(np.quantile(own, cuts)) if len(own) >= _BANDED and cuts else own[:0]
            band = np.searchsorted(edges, own, side="right")
            for each in np.unique(band):
                of_band = band == each
                code[members[of_band]] = len(strata)
                inside = own[of_band]
                strata.append(
                    Stratum(
                        UNCERTAIN if kind < 0 else TYPES[kind],
                        None if level is None else UNKNOWN if level < 0 else LEVELS[level],
                        float(inside.min()),
                        float(inside.max()),
                        len(inside),
                    )
                )
    return tuple(strata), code


def _same(gathered: Gathered, found: Population, strata: tuple[Stratum, ...]) -> Ints:
    """[N] which of these strata each row is in, for a frame that is cut once more."""
    risk = np.nan_to_num(arrays.floats(gathered.rows, "risk"))
    code: Ints = np.full(len(risk), -1)
    for index, s in enumerate(strata):
        members = found.inside & (risk >= np.float32(s.low)) & (risk <= np.float32(s.high))
        if s.type is not None:
            members &= found.type == (-1 if s.type == UNCERTAIN else TYPES.index(s.type))
        if s.level is not None:
            members &= found.level == (-1 if s.level == UNKNOWN else LEVELS.index(s.level))
        code[members] = index
        if members.sum() != s.population:
            raise UsageError(
                f"the stratum {s.name} had {s.population:,} images when it was drawn from and has "
                f"{int(members.sum()):,}; lines of the decisions were changed or taken out"
            )
    return code


def _texts(table: Any, column: str) -> Any:
    import pyarrow as pa

    return table[column].cast(pa.string())


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
        frame=Frame(**record["frame"]),
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
