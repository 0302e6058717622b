"""How often the interval of `curate estimate` holds, and how long it is, over simulated audits.

    python -m bench.estimate [--audits N] [--against]

Each audit draws a sample from a made-up population as `curate estimate --draw` allocates it, counts
the risky images in it, and asks whether the interval holds the true share. A scenario is a number
of images, how they fall into strata, how many are risky, and where: spread evenly (the scorer is
useless), in the strata of high scores (it is good), in the heaviest stratum (it is wrong), in small
strata of which nearly every image is risky (kept with a hint). `two steps` draws half, and the rest
by what was found (--neyman). `--against` shows the intervals that were not chosen: Clopper and
Pearson of the counts thrown together, Korn and Graubard's, Wilson's with the effective number of
reviews, and independent Jeffreys posteriors of the strata.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from curation.bounds import Numbers, interval
from curation.strata import allocate, weights

AUDITS, CONFIDENCE, LEAST = 2000, 0.95, 0.93
TAIL = (1 - CONFIDENCE) / 2
Method = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[Numbers, Numbers]]

# Shares of the images in the strata: one; types and bands of scores of very unequal size; even.
_BANDS = (0.5, 0.3, 0.15, 0.04, 0.01)
SHAPES: Mapping[str, tuple[float, ...]] = {
    "one stratum": (1.0,),
    "unequal": tuple(g * b for g in (0.85, 0.07, 0.05, 0.03) for b in _BANDS),
    "even": (0.05,) * 20,
}
PLACES = ("useless", "good", "wrong", "hint")
SIZES = ((2_000, 400), (12_345, 400), (1_000_000, 400), (50_000, 1500), (2_000, 1500))
SHARES = (0.0005, 0.0075, 0.02, 0.1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A population and how many of it are reviewed.

    sizes   [H] images; risky: [H] of them
    """

    name: str
    sizes: np.ndarray
    risky: np.ndarray
    reviews: int
    two_steps: bool = False

    @property
    def share(self) -> float:
        """The truth."""
        return float(self.risky.sum() / self.sizes.sum())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulation and print one line a scenario; exit code 1 when an interval fails."""
    p = argparse.ArgumentParser(prog="python -m bench.estimate", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    p.add_argument("--audits", type=int, default=AUDITS, help=f"a scenario (default: {AUDITS:,})")
    p.add_argument("--against", action="store_true", help="show the other intervals too")
    args = p.parse_args(argv)
    methods = {"ours": ours, **(OTHERS if args.against else {})}
    print(f"{args.audits:,} audits each; coverage of the {CONFIDENCE:.0%} interval and its mean "
          "length in percent points")  # fmt: skip
    names = "".join(f"{name:>22}" for name in methods)
    print(f"{'scenario':<46}{'images':>10}{'reviews':>8}{'risky %':>9}{names}")
    worst = dict.fromkeys(methods, 1.0)
    ratios: dict[str, list[float]] = {name: [] for name in methods}
    for scenario in scenarios():
        used = {"ours": ours} if scenario.two_steps else methods
        found = simulated(scenario, args.audits, used)
        cells = "".join(f"{held:>13.1%}{length:>9.2%}" for held, length in found.values())
        print(f"{scenario.name:<46}{scenario.sizes.sum():>10,}{scenario.reviews:>8,}"
              f"{100 * scenario.share:>9.4f}{cells}", flush=True)  # fmt: skip
        for name, (held, length) in found.items():
            worst[name] = min(worst[name], held)
            ratios[name].append(length / found["ours"][1])
    print("lowest coverage: " + ", ".join(f"{name} {held:.1%}" for name, held in worst.items()))
    means = {name: float(np.exp(np.mean(np.log(r)))) for name, r in ratios.items()}
    print(
        "length over ours, geometric mean: " + ", ".join(f"{n} {r:.2f}" for n, r in means.items())
    )
    return 0 if worst["ours"] >= LEAST else 1


def scenarios() -> Iterator[Scenario]:
    """All of them."""
    for images, reviews in SIZES:
        for shape, parts in SHAPES.items():
            sizes = np.maximum(1, np.round(images * np.array(parts))).astype(np.int64)
            for share in SHARES:
                for place in PLACES[:1] if len(sizes) == 1 else PLACES:
                    risky = placed(sizes, max(1, round(share * images)), place)
                    yield Scenario(f"{shape}, {place}", sizes, risky, reviews)
                    if place == "good" and shape == "unequal" and images >= 12_345:
                        name = f"{shape}, {place}, two steps"
                        yield Scenario(name, sizes, risky, reviews, two_steps=True)


def placed(sizes: np.ndarray, count: int, place: str) -> np.ndarray:
    """[H] risky images, `count` in all."""
    left = count
    risky: np.ndarray = np.zeros_like(sizes)
    if place == "useless":
        exact = count * sizes / sizes.sum()
        risky[:] = np.floor(exact)
        risky[np.argsort(risky - exact, kind="stable")[: count - risky.sum()]] += 1
        return risky
    order = np.argsort(sizes, kind="stable")
    if place == "wrong":
        order = order[::-1]
    most = {"good": 0.5, "wrong": 1.0, "hint": 0.9}[place]
    for h in order:
        risky[h] = min(left, int(most * sizes[h]))
        left -= risky[h]
    return risky


def simulated(
    scenario: Scenario, audits: int, methods: Mapping[str, Method], seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Method -> (share of the audits whose interval holds the truth, mean length)."""
    rng = np.random.default_rng(seed)
    sizes, none = scenario.sizes, np.zeros(len(scenario.sizes), np.int64)
    first = scenario.reviews // 2 if scenario.two_steps else scenario.reviews
    looked = allocate(sizes, none, first, weights(sizes, None))
    found = _drawn(rng, scenario.risky, sizes, np.tile(looked, (audits, 1)))
    ends: dict[str, list[tuple[Numbers, Numbers]]] = {name: [] for name in methods}
    if scenario.two_steps:
        for one in found:
            shares = (one + 0.5) / (looked + 1)
            by_found = weights(sizes, shares.tolist())
            more = allocate(sizes, looked, scenario.reviews - first, by_found)
            all_found = one + _drawn(rng, scenario.risky - one, sizes - looked, more)
            for name, method in methods.items():
                ends[name].append(method(all_found[None], sizes, looked + more))
    else:
        for name, method in methods.items():
            ends[name].append(method(found, sizes, looked))
    result = {}
    for name, pieces in ends.items():
        low, high = (np.concatenate([np.atleast_1d(p[i]) for p in pieces]) for i in (0, 1))
        held = (low <= scenario.share + 1e-12) & (high >= scenario.share - 1e-12)
        result[name] = float(held.mean()), float((high - low).mean())
    return result


def _drawn(
    rng: np.random.Generator, risky: np.ndarray, sizes: np.ndarray, looked: np.ndarray
) -> np.ndarray:
    return rng.hypergeometric(np.broadcast_to(risky, looked.shape), sizes - risky, looked)


def ours(found: np.ndarray, sizes: np.ndarray, looked: np.ndarray) -> tuple[Numbers, Numbers]:
    """The interval in use."""
    _, low, high = interval(found, found, sizes, looked, CONFIDENCE)
    return low, high


def thrown_together(
    found: np.ndarray, sizes: np.ndarray, looked: np.ndarray
) -> tuple[Numbers, Numbers]:
    """Clopper and Pearson of all counts, whatever the strata."""
    return _exact(found.sum(-1).astype(np.float64), np.full(len(found), float(looked.sum())))


def korn_graubard(
    found: np.ndarray, sizes: np.ndarray, looked: np.ndarray
) -> tuple[Numbers, Numbers]:
    """Clopper and Pearson with the effective number of reviews (Korn and Graubard 1998)."""
    share, effective = _effective(found, sizes, looked)
    effective = np.minimum(effective, looked.sum())
    return _exact(share * effective, effective)


def wilson(found: np.ndarray, sizes: np.ndarray, looked: np.ndarray) -> tuple[Numbers, Numbers]:
    """Wilson's with the effective number of reviews."""
    from scipy.special import ndtri

    share, n = _effective(found, sizes, looked)
    z = float(ndtri(1 - TAIL))
    centre = (share + z * z / 2 / n) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / 4 / n**2)
    return centre - half, centre + half


def jeffreys(found: np.ndarray, sizes: np.ndarray, looked: np.ndarray) -> tuple[Numbers, Numbers]:
    """Independent Jeffreys posteriors of the strata, summed over draws."""
    rng = np.random.default_rng(1)
    pieces = []
    for part in np.array_split(found, max(1, len(found) // 100)):
        draws = rng.beta(part + 0.5, looked - part + 0.5, (400, *part.shape))
        pieces.append(np.quantile(draws @ (sizes / sizes.sum()), [TAIL, 1 - TAIL], axis=0))
    low, high = np.concatenate(pieces, axis=1)
    return low, high


def _effective(found: np.ndarray, sizes: np.ndarray, looked: np.ndarray) -> tuple[Numbers, Numbers]:
    """(share, reviews that a simple random sample of the same variance would have)."""
    weight, rate = sizes / sizes.sum(), found / looked
    share = (weight * rate).sum(-1)
    spread = rate * (1 - rate) / np.maximum(looked - 1, 1) * (1 - looked / sizes)
    variance = (weight**2 * spread).sum(-1)
    some = variance > 0
    effective = np.where(some, share * (1 - share) / np.where(some, variance, 1), looked.sum())
    return share, np.maximum(effective, 1.0)


def _exact(found: Numbers, looked: Numbers) -> tuple[Numbers, Numbers]:
    from scipy.special import betaincinv

    low = betaincinv(np.maximum(found, 1e-9), looked - found + 1, TAIL)
    high = betaincinv(found + 1, np.maximum(looked - found, 1e-9), 1 - TAIL)
    return np.where(found > 0, low, 0.0), np.where(found < looked, high, 1.0)


OTHERS: Mapping[str, Method] = {
    "thrown together": thrown_together,
    "Korn-Graubard": korn_graubard,
    "Wilson, effective": wilson,
    "Jeffreys by stratum": jeffreys,
}

if __name__ == "__main__":
    sys.exit(main())
