"""The interval of a stratified sample: against exact ones, and by simulated audits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, hypergeom

from bench.estimate import Scenario, ours, placed, simulated, thrown_together
from curation.bounds import agreement, interval, needed
from curation.strata import FLOOR, allocate, weights

UNEQUAL = np.array([500_000, 300_000, 100_000, 60_000, 25_000, 10_000, 4_000, 1_000])
AUDITS = 600


@pytest.mark.parametrize("found", [0, 1, 3, 40, 250, 399, 400])
def test_with_one_stratum_it_is_clopper_and_pearsons(found: int) -> None:
    share, low, high = interval([found], [found], [10**9], [400])
    assert share == found / 400
    assert low == pytest.approx(beta.ppf(0.025, found, 401 - found) if found else 0, rel=0.02)
    assert high == pytest.approx(
        beta.ppf(0.975, found + 1, 400 - found) if found < 400 else 1, rel=0.02
    )


def test_of_a_small_population_it_holds_what_the_hypergeometric_test_allows() -> None:
    """Every number of risky images that the exact test does not reject is inside, to one image."""
    images, looked = 300, 200
    for found in (0, 1, 5, 30):
        possible = [
            risky
            for risky in range(found, images - looked + found + 1)
            if hypergeom.cdf(found, images, risky, looked) > 0.025
            and hypergeom.sf(found - 1, images, risky, looked) > 0.025
        ]
        _, low, high = interval([found], [found], [images], [looked])
        assert low * images == pytest.approx(possible[0], abs=1.5)
        assert high * images == pytest.approx(possible[-1], abs=1.5)


def test_when_all_were_reviewed_nothing_is_open() -> None:
    assert [float(v) for v in interval([3, 0], [3, 0], [30, 20], [30, 20])] == [0.06] * 3


def test_nothing_found_says_what_the_rule_of_three_says() -> None:
    sizes = np.array([50_000, 30_000, 20_000])
    none = np.zeros(3)
    _, low, high = interval(none, none, sizes, np.array([200, 120, 80]), 0.90)
    assert low == 0
    assert high == pytest.approx(3 / 400, rel=0.01)


def test_a_stratum_nobody_looked_at_counts_wholly_at_the_upper_end() -> None:
    _, low, high = interval([0, 0], [0, 0], [900, 100], [300, 0])
    assert low == 0
    assert 0.1 < high < 0.12


def test_what_is_unclear_counts_at_the_upper_end_only() -> None:
    _, low, high = interval([2], [5], [10_000], [400])
    assert low == interval([2], [2], [10_000], [400])[1]
    assert high == interval([5], [5], [10_000], [400])[2]


@pytest.mark.parametrize("place", ["useless", "good", "wrong", "hint"])
@pytest.mark.parametrize("share", [0.0005, 0.0075, 0.03])
def test_the_interval_holds_over_simulated_audits(place: str, share: float) -> None:
    """Three standard errors below 93 % of so many audits is 0.898; below that it fails."""
    for sizes, reviews in ((UNEQUAL, 400), (UNEQUAL // 400 + 1, 500)):
        risky = placed(sizes, max(1, round(share * sizes.sum())), place)
        held, _ = simulated(Scenario("", sizes, risky, reviews), AUDITS, {"ours": ours})["ours"]
        assert held >= 0.93 - 3 * (0.93 * 0.07 / AUDITS) ** 0.5


def test_it_holds_when_the_second_half_is_drawn_by_what_the_first_found() -> None:
    risky = placed(UNEQUAL, 15_000, "good")
    fixed = simulated(Scenario("", UNEQUAL, risky, 600), 300, {"ours": ours})["ours"]
    steps = simulated(Scenario("", UNEQUAL, risky, 600, True), 300, {"ours": ours})["ours"]
    assert steps[0] >= 0.93 - 3 * (0.93 * 0.07 / 300) ** 0.5
    assert steps[1] < fixed[1]


def test_the_simulation_finds_an_interval_that_does_not_hold() -> None:
    """Counts thrown together, as if the floor of small strata had not been drawn on purpose."""
    scenario = Scenario("", UNEQUAL, placed(UNEQUAL, 5_000, "good"), 400)
    held = simulated(scenario, AUDITS, {"a": ours, "b": thrown_together})
    assert held["b"][0] < 0.8 < 0.93 <= held["a"][0]


def test_so_many_more_reviews_bring_the_interval_to_the_length_asked_for() -> None:
    sizes, looked, found = np.array([10**6, 10**5]), np.array([300, 100]), np.array([0, 8])
    more = needed(found, sizes, looked, 0.004)
    times = (400 + more) / 400
    _, low, high = interval(found * times, found * times, sizes, looked * times)
    assert more > 0
    assert (high - low) / 2 == pytest.approx(0.004, rel=0.01)
    assert needed(found, sizes, looked, 0.5) == 0
    assert needed([0], [500], [100], 1e-9) == 400


def test_strata_are_drawn_from_in_proportion_with_a_floor() -> None:
    drawn = allocate(UNEQUAL, np.zeros(8), 400, weights(UNEQUAL, None))
    assert drawn.sum() == 400
    assert drawn.min() == FLOOR
    assert drawn[0] / drawn[1] == pytest.approx(5 / 3, rel=0.05)
    assert allocate([3, 1000], [0, 0], 100, [0.003, 0.997]).tolist() == [3, 97]
    assert allocate([30, 40], [0, 0], 100, [0.3, 0.7]).tolist() == [30, 40]
    assert allocate(UNEQUAL, np.zeros(8), 3, weights(UNEQUAL, None)).sum() == 3


def test_what_was_drawn_before_counts_towards_the_allocation() -> None:
    before = np.array([100, 10])
    even = weights(np.array([5000, 5000]), None)
    assert allocate([5000, 5000], before, 90, even).tolist() == [0, 90]
    by_found = weights(np.array([5000, 5000]), [0.001, 0.3])
    more = allocate([5000, 5000], np.array([50, 50]), 100, by_found)
    assert more.sum() == 100
    assert more[1] > more[0] > 0


def test_kappa_is_fleiss() -> None:
    assert agreement([(True, True), (False, False)]) == 1
    assert agreement([(True, False), (False, True)]) == -1
    # 14 pairs agree on yes, 3 disagree, 3 agree on no: by hand.
    rated = [(1, 1)] * 14 + [(1, 0)] * 3 + [(0, 0)] * 3
    observed, yes = 17 / 20, 31 / 40
    chance = yes**2 + (1 - yes) ** 2
    assert agreement(rated) == pytest.approx((observed - chance) / (1 - chance))
    assert agreement([]) is None
    assert agreement([(0, 0)]) is None
