"""Measures against scikit-learn, intervals against simulation."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as oracle

from audit.evaluation import auroc, measures
from audit.evaluation.intervals import Measure, clopper_pearson, estimates, weightings
from audit.evaluation.style import cross_validated, folds, jpeg_quality

N = 80


@pytest.fixture(params=range(4))
def drawn(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with many ties, which of them are positive, whole weights."""
    rng = np.random.default_rng(request.param)
    positive = rng.random(N) < 0.3
    scores = np.round(rng.random(N) * 0.8 + positive * 0.2, 1).astype(np.float32)
    return scores, positive, rng.integers(0, 4, N).astype(float)


def once(measure: Measure, weights: np.ndarray) -> np.ndarray:
    """The measure on examples as they are and weighted: [2, M]."""
    return measure.of(np.stack([np.ones(len(weights)), weights]))


def test_ranking_is_that_of_scikit_learn(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    scores, positive, weights = drawn
    found = once(measures.ranking("x", scores, positive, np.arange(N)), weights)
    for row, w in enumerate((None, weights)):
        area = oracle.roc_auc_score(positive, scores, sample_weight=w)
        precision = oracle.average_precision_score(positive, scores, sample_weight=w)
        assert found[row] == pytest.approx([area, precision])
    assert auroc(scores, positive) == pytest.approx(found[0, 0])


def test_ranking_looks_at_the_rows_it_is_given(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    scores, positive, weights = drawn
    rows = np.flatnonzero(np.arange(N) % 3 > 0)
    found = once(measures.ranking("x", scores, positive, rows), weights)
    assert found[0, 0] == pytest.approx(oracle.roc_auc_score(positive[rows], scores[rows]))


def test_f1_kappa_and_shares_are_those_of_scikit_learn(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    scores, positive, weights = drawn
    rng = np.random.default_rng(9)
    said, true, levels = scores >= 0.5, rng.integers(0, 4, N), rng.integers(0, 4, N)
    every, groups = np.arange(N), np.arange(N).astype(str)
    f1 = once(measures.f1("x", said, positive, every), weights)
    kappa = once(measures.kappa("x", true, levels, 4), weights)
    share = once(measures.share("x", true == levels, every, groups), weights)
    for row, w in enumerate((None, weights)):
        known = {"sample_weight": w}
        assert f1[row] == pytest.approx(
            [
                oracle.f1_score(positive, said, **known),
                oracle.precision_score(positive, said, **known),
                oracle.recall_score(positive, said, **known),
            ]
        )
        assert kappa[row, 0] == pytest.approx(
            oracle.cohen_kappa_score(true, levels, weights="quadratic", **known)
        )
        assert share[row, 0] == pytest.approx(oracle.accuracy_score(true, levels, **known))
    table = oracle.confusion_matrix(true, levels, labels=range(4)).tolist()
    assert measures.confusion(true, levels, 4) == table


def test_calibration_error_is_the_gap_of_each_bin(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    said, true, _ = drawn
    gaps = 0.0
    for b in range(measures.BINS):
        inside = np.minimum((said * measures.BINS).astype(int), measures.BINS - 1) == b
        if inside.any():
            gaps += inside.mean() * abs(said[inside].mean() - true[inside].mean())
    found = once(measures.calibration("x", said, true, np.arange(N)), np.ones(N))
    assert found[0, 0] == pytest.approx(gaps)
    bins = measures.reliability(said, true)
    assert sum(row["count"] for row in bins) == N


def test_calibration_error_of_true_probabilities_is_small() -> None:
    rng = np.random.default_rng(0)
    said = rng.random(40_000)
    true = rng.random(40_000) < said
    found = measures.calibration("x", said, true, np.arange(len(said))).of(np.ones((1, len(said))))
    assert found[0, 0] < 0.015


def test_whole_groups_are_drawn_again() -> None:
    groups = np.repeat([f"g{i}" for i in range(10)], 3)
    first, *drawn = np.concatenate(list(weightings(groups, 200, seed=1)))
    assert (first == 1).all()
    for weights in drawn:
        assert weights.sum() == len(groups)
        assert (weights.reshape(10, 3) == weights[::3, None]).all()


def test_intervals_cover_when_examples_come_in_groups() -> None:
    """Twenty examples stand or fall with each of 60 groups: 1,200 pictures are 60 facts."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60).astype(str), 20)
    covered = 0
    for run in range(200):
        hit = np.repeat(rng.random(60) < 0.3, 20)
        measure = measures.share("x", hit, np.arange(1200), groups)
        found = estimates([measure], groups, resamples=200, seed=run)["x"]
        covered += found.low <= 0.3 <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_the_interval_of_an_auroc_covers_its_true_value() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(150) < 50
    true = 0.7602  # of unit normals one apart: Phi(1 / sqrt 2)
    covered = 0
    for run in range(200):
        scores = rng.normal(size=150) + positive
        measure = measures.ranking("x", scores, positive, np.arange(150))
        groups = np.arange(150).astype(str)
        found = estimates([measure], groups, resamples=200, seed=run)["x/auroc"]
        covered += found.low <= true <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_none_of_fifty_is_not_certainly_none() -> None:
    groups = np.arange(50).astype(str)
    measure = measures.share("x", np.zeros(50, bool), np.arange(50), groups)
    found = estimates([measure], groups, resamples=100)["x"]
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(clopper_pearson(0, 50)[1])
    assert 0.06 < found.high < 0.08


def test_a_figure_that_most_draws_lack_has_no_interval() -> None:
    positive = np.arange(40) == 0
    measure = measures.ranking("x", np.arange(40.0), positive, np.arange(40))
    found = estimates([measure], np.arange(40).astype(str), resamples=100)["x/auroc"]
    assert found.value == 0
    assert found.rounded() == [0, None, None]


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (3, 10), (10, 10), (95, 100), (0, 0)])
def test_the_exact_interval_is_that_of_scipy(hits: int, of: int) -> None:
    from scipy.stats import binomtest

    if of == 0:
        assert clopper_pearson(0, 0) == (0, 1)
        return
    expected = binomtest(hits, of).proportion_ci(0.95, "exact")
    assert clopper_pearson(hits, of) == pytest.approx((expected.low, expected.high))
    one_sided = binomtest(hits, of, alternative="greater").proportion_ci(0.95, "exact")
    assert clopper_pearson(hits, of, sided=1)[0] == pytest.approx(one_sided.low)


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90, 97])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "JPEG", quality=quality)
    assert jpeg_quality(file.getvalue()) == quality


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xdb\x00\x05\x00\x01", b"x" * 99])
def test_a_file_without_whole_tables_has_no_quality(data: bytes) -> None:
    assert np.isnan(jpeg_quality(data))


def test_no_fold_cuts_a_group_and_each_has_every_label() -> None:
    rng = np.random.default_rng(0)
    of_group = rng.integers(0, 30, 200)
    groups, labels = of_group.astype(str), np.array(["a", "b"])[of_group % 2]
    fold_of = folds(labels, groups)
    for group in set(groups):
        assert len(set(fold_of[groups == group])) == 1
    for fold in range(5):
        assert len(set(labels[fold_of == fold])) == 2


def test_style_finds_labels_that_style_gives_away_and_no_others() -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["weapon", "neutral"])[rng.integers(0, 2, 300)]
    groups = np.arange(300).astype(str)
    style = rng.normal(size=(300, 3)).astype(np.float32)
    style[::7, 1] = np.nan
    found = cross_validated(style, labels, groups)
    assert found is not None
    said, names = found
    assert auroc(said[:, names.index("weapon")], labels == "weapon") == pytest.approx(0.5, abs=0.1)
    style[:, 0] += 3 * (labels == "weapon")
    said, names = cross_validated(style, labels, groups) or (said, names)
    assert auroc(said[:, names.index("weapon")], labels == "weapon") > 0.95


def test_one_label_or_one_group_has_no_style_baseline() -> None:
    style = np.zeros((10, 2), np.float32)
    assert cross_validated(style, np.array(["a"] * 10), np.arange(10).astype(str)) is None
    assert cross_validated(style, np.array(["a", "b"] * 5), np.array(["g"] * 10)) is None
