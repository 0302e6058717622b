"""Metrics against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from audit.evaluation import Judged, auroc, metrics, separation
from audit.taxonomy import SAFE

NAN = float("nan")


@pytest.mark.parametrize("seed", range(5))
def test_auroc_equals_counting_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, 60) / 5  # many ties
    positive = rng.random(60) < 0.3
    wins = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
    assert auroc(scores, positive) == pytest.approx(np.mean(wins))


def test_auroc_of_one_class_is_not_a_number() -> None:
    assert np.isnan(auroc(np.ones(3), np.ones(3, bool)))


def judged() -> Judged:
    types = np.full((4, 7), NAN, np.float32)
    types[:, 1] = [0.9, 0.2, 0.6, 0.1]
    types[:, SAFE] = 1 - types[:, 1]
    levels = np.eye(4, dtype=np.float32)[[2, 2, 0, 0]]
    return Judged(
        types=types,
        levels=levels,
        concepts=np.array([[0.9], [0.7], [0.8], [0.1]], np.float32),
        true_types=np.array([1, 1, SAFE, SAFE]),
        true_levels=np.array([2, 2, 0, 0]),
        names=np.array(["weapon", "weapon", "neutral", "confusable"]),
        sources=np.array(["a", "a", "b", "c"]),
    )


def test_metrics_count_what_a_reader_would_count() -> None:
    m = metrics(judged(), ["weapon"])
    assert m["images"] == 4
    assert m["auroc_risky_vs_safe"] == 0.75
    assert m["type_accuracy"] == 0.5
    assert m["level_accuracy"] == 1.0
    assert m["harmless_flagged"] == 0.5
    flagged = {"confusable": [0.0, 1], "neutral": [1.0, 1], "weapon": [0.5, 2]}
    assert m["flagged_by_label"] == flagged
    assert m["auroc_by_concept"] == {"weapon": 0.75}


def test_separation_uses_only_the_two_labels() -> None:
    s = separation(judged(), "weapon", ["confusable"], ["weapon"])
    assert s == {"images": [2, 1], "auroc_concept": 1.0, "auroc_risk": 1.0}
