"""What risk is left in the kept set, by the decisions about a random sample of it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audit.catalog import Catalog
from audit.taxonomy import SAFE
from curation import bounds, sampling
from curation.gathering import Gathered
from curation.judged import RISKY, Counts, Figure, Judged, double
from curation.rules import RISKY_TYPES
from curation.strata import AS_SAFE

METHOD = (
    "stratified random sample by type, level and score; interval: Clopper and Pearson's carried "
    "over to strata as Fay and Feuer (1997) did for rates, with finite population correction "
    "(curation/bounds.py); what reviewers left open counts at the upper end only"
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sample says of the images it was drawn from, and of what is kept now.

    kept        risky share of what the policy keeps now, after all decisions so far (or of
                everything, where the sample is of everything); as_safe: of those kept without a
                risk type; None where there are none
    sampled     risky share of the images that were drawn from
    types       share of each type among these; strata: risky share in each stratum, by itself
    at_most     upper end that holds by itself, where nothing risky was found; else None
    waiting     drawn and not decided; unordered: decided, not used while one before them waits
    kappa       Fleiss' kappa of risky or safe over the `double` images that several people judged
    needed      further reviews until half the interval's length is `half_width`
    left, came  images that left or joined what is kept since the first sample was drawn
    """

    policy: str
    policy_hash: str
    scorer: str
    catalog: str
    samples: tuple[str, ...]
    seeds: tuple[int, ...]
    whole: bool
    confidence: float
    kept: Figure
    as_safe: Figure | None
    sampled: Figure
    types: tuple[Figure, ...]
    strata: tuple[Figure, ...]
    at_most: float | None
    waiting: int
    unordered: int
    reviewers: int
    double: int
    kappa: float | None
    half_width: float
    needed: int
    left: int
    came: int
    method: str = METHOD

    @property
    def sentence(self) -> str:
        """The figures that matter, in plain words."""
        kept = self.kept
        images = f"{kept.images:,} images"
        about = f"{images} that have scores" if self.whole else f"{images} kept"
        said = (
            f"Of {about}, {self._percent(kept)} are risky, "
            f"by {self.sampled.reviewed:,} random reviews"
        )
        if self.as_safe is not None and not self.whole and self.as_safe.images < kept.images:
            said += f"; of the {self.as_safe.images:,} kept as safe, {self._percent(self.as_safe)}"
        said += "."
        if self.at_most is not None:
            said += (
                f" None of the reviewed was risky: with {percent(self.confidence)} % confidence "
                f"at most {percent(self.at_most)} % are."
            )
        if kept.unclear:
            said += f" {kept.unclear:,} that reviewers left open count at the upper end only."
        return said

    def _percent(self, figure: Figure) -> str:
        return (
            f"{percent(figure.share)} % ({percent(self.confidence)} %: {percent(figure.low)} to "
            f"{percent(figure.high)} %)"
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json`, manifests and cards."""
        record = {**asdict(self), "sentence": self.sentence}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in record.items()}


def percent(share: float) -> str:
    """A share in percent: two digits that count, four behind the point at most."""
    value = 100 * share
    if value == 0:
        return "0"
    return f"{value:.{min(4, max(0, 1 - math.floor(math.log10(value))))}f}"


def catalog_hash(catalog_dir: Path) -> str:
    """Another text whenever a row of the catalog or its scores changed; moving it changes nothing.

    raises   ShardwardenError when the catalog has not been built
    """
    with Catalog(catalog_dir) as catalog:
        books = catalog.shards().select(["shard", "part_sha256"]).to_pylist()
    lines = sorted(f"{book['shard']} {book['part_sha256']}\n" for book in books)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def estimate(
    catalog_dir: Path,
    gathered: Gathered,
    *,
    whole: bool = False,
    confidence: float = 0.95,
    half_width: float = 0.002,
) -> Estimate | None:
    """What the samples of this catalog and policy say; None where none was drawn, or none judged.

    gathered    of this catalog, as it is now
    raises      UsageError when a sample, or what it was drawn from, was changed
    """
    digest = catalog_hash(catalog_dir)
    now = sampling.frame_of(gathered, digest, whole=whole)
    samples = sampling.matching(sampling.read(catalog_dir), now)
    if not samples:
        return None
    frame, strata = samples[0].frame, samples[0].strata
    was = sampling.population(gathered, frame)
    judged = Judged(gathered, was)
    rows, code, waiting, unordered = judged.usable(samples)
    if not rows:
        return None
    sizes = np.array([s.population for s in strata])
    counts = Counts(judged, rows, np.array(code), sizes, confidence)
    everything = np.ones(len(strata), bool)
    sampled = counts.figure("risky", RISKY, everything)
    safe = np.array([s.type in AS_SAFE for s in strata])
    is_now = sampling.population(gathered, None, whole=whole)
    kept = judged.carried("risky", sampled, was.inside, is_now.inside)
    without = is_now.inside & np.isin(is_now.type, (SAFE, -1))
    as_safe = None
    if safe.any() and without.any():
        before = was.inside & np.isin(was.type, (SAFE, -1))
        as_safe = judged.carried(
            "kept as safe, risky", counts.figure("", RISKY, safe), before, without
        )
    said = gathered.outcomes
    twice = double(gathered.log.decisions, set(rows), judged)
    return Estimate(
        policy=gathered.policy.name,
        policy_hash=gathered.policy.hash,
        scorer=gathered.scorer,
        catalog=digest,
        samples=tuple(s.id for s in samples),
        seeds=tuple(s.seed for s in samples),
        whole=whole,
        confidence=confidence,
        kept=kept,
        as_safe=as_safe,
        sampled=sampled,
        types=tuple(counts.figure(name, frozenset({name}), everything) for name in RISKY_TYPES),
        strata=tuple(
            counts.figure(s.name, RISKY, np.arange(len(strata)) == i) for i, s in enumerate(strata)
        ),
        at_most=None if sampled.risky or sampled.unclear else counts.at_most(),
        waiting=waiting,
        unordered=unordered,
        reviewers=len({d.reviewer for r in rows if r in said for d in said[r].decisions}),
        double=len(twice),
        kappa=bounds.agreement(twice),
        half_width=half_width,
        needed=bounds.needed(
            counts.found(RISKY)[0], sizes, counts.reviewed, half_width, confidence
        ),
        left=int((was.inside & ~is_now.inside).sum()),
        came=int((is_now.inside & ~was.inside).sum()),
    )


def pilot(catalog_dir: Path, gathered: Gathered, *, whole: bool = False) -> list[float] | None:
    """[H] rough risky shares of the strata, for allocation; None where nobody has judged any.

    Half an image is added to what was found, and one to what was reviewed: none is quite clean.
    """
    found = estimate(catalog_dir, gathered, whole=whole)
    if found is None:
        return None
    return [(f.risky + f.unclear + 0.5) / (f.reviewed + 1) for f in found.strata]
