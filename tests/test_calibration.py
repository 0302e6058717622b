"""Calibration: known temperatures are found again, cards hold them, training is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from audit.card import CARD, find_scorer, read_card, write_card
from audit.cli import main
from audit.evaluation import Judged, from_drawings, judge
from audit.evaluation import calibration as c
from audit.evaluation.overlap import sketch
from audit.evaluation.style import FEATURES
from audit.scorer import Scorer
from audit.taxonomy import SAFE, TYPES, Taxonomy
from tests.labelled_shards import labelled_shard

NAMES = ("weapon", "fire")


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def drawn_by(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (probabilities.cumsum(1) < rng.random((len(probabilities), 1))).sum(1)


def over_confident(n: int = 4000, seed: int = 0) -> tuple[Judged, c.Logits]:
    """Labels drawn from softmax(z / 2.5) for types and z / 0.5 for levels, 0.5 z - 1 for weapon."""
    rng = np.random.default_rng(seed)
    types, levels = 4 * rng.normal(size=(n, 7)), rng.normal(size=(n, 4))
    types[:, 3] = -np.inf
    concepts = 3 * rng.normal(size=(n, 2))
    shows = rng.random((n, 2)) < 1 / (1 + np.exp(1 - 0.5 * concepts))
    shows[:, 1] = np.arange(n) < 5
    true = drawn_by(softmax(types / 2.5), rng)
    with np.errstate(invalid="ignore"):
        p = softmax(types)
    p[:, 3] = np.nan
    judged = Judged(
        types=p.astype(np.float32),
        levels=softmax(levels).astype(np.float32),
        concepts=(1 / (1 + np.exp(-concepts))).astype(np.float32),
        true_types=true,
        true_levels=drawn_by(softmax(levels / 0.5), rng),
        true_concepts=shows.astype(np.float32),
        names=np.where(true == SAFE, "neutral", "weapon"),
        sources=np.full(n, "a"),
        groups=np.arange(n).astype(str),
        style=np.zeros((n, len(FEATURES)), np.float32),
        digests=np.arange(n).astype(str),
    )
    return judged, c.Logits(types, levels, concepts)


def test_known_temperatures_and_lines_are_found_again() -> None:
    judged, _ = over_confident()
    logits = c.logits_of(judged, NAMES, {})
    fitted = c.fit(logits, judged, NAMES, np.ones(len(judged)))
    assert fitted.types == pytest.approx(2.5, rel=0.06)
    assert fitted.levels == pytest.approx(0.5, rel=0.12)
    assert fitted.concepts["weapon"] == pytest.approx((0.5, -1), abs=0.1)
    assert fitted.left == {"fire": "5 groups with it, 3,995 without; 10 needed"}


def test_outputs_that_a_scorer_lacks_are_left_out() -> None:
    judged, _ = over_confident(200)
    judged.levels[:] = np.nan
    logits = c.logits_of(judged, NAMES, {})
    fitted = c.fit(logits, judged, NAMES, np.ones(200))
    assert fitted.levels is None
    assert "levels" not in fitted.as_card()
    table = c.compared(logits, judged, NAMES, np.ones(200), resamples=5)
    assert "level" not in table
    assert table["type"]["nll"]["after"][0] < table["type"]["nll"]["before"][0]


def test_calibrated_probabilities_keep_every_decision_and_are_likelier() -> None:
    judged, logits = over_confident(1500)
    fitted = c.fit(logits, judged, NAMES, np.ones(1500))
    types, *_ = c.applied(logits, fitted, NAMES)
    assert (types.argmax(1) == np.nan_to_num(judged.types).argmax(1)).all()
    assert types.sum(1) == pytest.approx(np.ones(1500))
    table = c.compared(logits, judged, NAMES, np.ones(1500), resamples=60)
    for what in ("type", "concept weapon"):
        assert table[what]["nll"]["gained"][1] > 0  # the whole interval
        assert table[what]["ece"]["after"][0] < table[what]["ece"]["before"][0]
    assert table["concept fire"]["nll"]["gained"][0] == 0


def test_platt_scaling_is_logistic_regression_where_examples_are_many() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=3000) * 2
    shows = rng.random(3000) < 1 / (1 + np.exp(-(1.5 * z - 0.5)))
    weights = rng.random(3000) + 0.5
    line = c.platt(z, shows, weights)
    oracle = LogisticRegression(C=np.inf).fit(z[:, None], shows, sample_weight=weights)
    assert line == pytest.approx((oracle.coef_[0, 0], oracle.intercept_[0]), abs=0.02)


def test_platt_scaling_of_separable_examples_stays_finite() -> None:
    z = np.r_[np.linspace(-5, -1, 20), np.linspace(1, 5, 20)]
    slope, intercept = c.platt(z, z > 0, np.ones(40))
    assert 0.2 < slope < 20
    assert abs(intercept) < 1


def test_an_output_that_falls_where_its_concept_is_there_is_left_alone() -> None:
    judged, logits = over_confident(800)
    backwards = c.Logits(logits.types, logits.levels, -logits.concepts)
    fitted = c.fit(backwards, judged, NAMES, np.ones(800))
    assert "weapon" not in fitted.concepts
    assert "falls" in fitted.left["weapon"]


def test_weights_state_the_share_of_risky_pictures() -> None:
    risky = np.arange(100) < 40
    weights = c.weights_for(risky, 0.1)
    assert weights[risky].sum() / weights.sum() == pytest.approx(0.1)
    assert weights.mean() == pytest.approx(1)
    with pytest.raises(ValueError, match="both risky and safe"):
        c.weights_for(np.ones(5, bool), 0.1)


def test_a_shift_is_what_assume_does_to_the_heads(small_scorer: Path) -> None:
    from audit.training import assume

    scorer = Scorer.load(small_scorer, device="cpu")
    examples = list(from_drawings(4, 0, scorer.concepts, Taxonomy.load()))
    before = c.logits_of(judge(scorer, examples), scorer.concepts, {})
    expected = c.shifted(before, 0.2, 0.02)
    assume(scorer.safety, 0.2, 0.02)
    found = judge(scorer.to("cpu"), examples)
    nothing = c.Fitted(None, None, {}, {})
    types, levels, _ = c.applied(expected, nothing, scorer.concepts)
    assert np.nan_to_num(found.types) == pytest.approx(types, abs=1e-4)
    assert found.levels == pytest.approx(levels, abs=1e-4)


def test_a_calibration_is_taken_back_before_the_next() -> None:
    judged, logits = over_confident(300)
    card = {"types": 2.0, "levels": 0.7, "concepts": {"weapon": [0.8, 0.3]}}
    fitted = c.Fitted(2.0, 0.7, {"weapon": (0.8, 0.3)}, {})
    types, levels, concepts = c.applied(logits, fitted, NAMES)
    types[:, 3] = np.nan
    again = replace(judged, types=types, levels=levels, concepts=concepts)
    raw = c.logits_of(again, NAMES, card)
    assert raw.concepts == pytest.approx(logits.concepts, abs=1e-3)
    gaps = [z.types - z.types[:, :1] for z in (raw, logits)]
    assert np.nan_to_num(gaps[0], neginf=0) == pytest.approx(np.nan_to_num(gaps[1], neginf=0))


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory, small_scorer: Path) -> Path:
    names = read_card(small_scorer).concepts
    examples = list(from_drawings(84, 0, names, Taxonomy.load()))
    return labelled_shard(tmp_path_factory.mktemp("held-out"), examples)


def run(*words: object) -> int:
    return main([*map(str, words), "--device", "cpu"])


def test_calibrate_writes_a_scorer_that_scores_so(
    small_scorer: Path, held_out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run("calibrate", small_scorer, held_out, "--out", out, "--draws", 20, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    card = read_card(out)
    assert card.calibration["images"] == 84
    assert card.calibration["set"] == held_out.name
    assert run("thresholds", out, held_out) == 0
    assert "was calibrated on some of these pictures" in capsys.readouterr().err
    write_card(out, replace(card, calibration={**card.calibration, "pictures": {}}))
    assert run("thresholds", out, held_out) == 0
    assert f"was calibrated on {held_out.name}; thresholds want" in capsys.readouterr().err
    assert card.calibration["types"] == said["calibration"]["types"]
    assert set(said["left"]) | set(card.calibration["concepts"]) == set(card.concepts)
    assert read_card(small_scorer).calibration == {}
    examples = list(from_drawings(4, 0, card.concepts, Taxonomy.load()))
    scorer, calibrated = (Scorer.load(s, device="cpu") for s in (small_scorer, out))
    before, after = judge(scorer, examples), judge(calibrated, examples)
    logits = c.logits_of(before, card.concepts, {})
    lines = {name: tuple(line) for name, line in card.calibration["concepts"].items()}
    fitted = c.Fitted(card.calibration["types"], card.calibration["levels"], lines, {})
    types, levels, concepts = c.applied(logits, fitted, card.concepts)
    assert np.nan_to_num(after.types) == pytest.approx(types, abs=1e-4)
    assert after.levels == pytest.approx(levels, abs=1e-4)
    assert after.concepts == pytest.approx(concepts, abs=1e-4)


def test_a_stated_share_moves_the_heads_and_is_on_the_card(
    small_scorer: Path, held_out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scorer = tmp_path / "scorer"
    shutil.copytree(small_scorer, scorer)
    card = read_card(scorer)
    training = {"recipe": {"risky_share": 0.5}}
    write_card(scorer, replace(card, training=training, metrics={"old": {"images": 1}}))
    words = ("calibrate", scorer, held_out, "--in-place", "--risky-share", "0.05", "--draws", 20)
    assert run(*words) == 0
    printed = capsys.readouterr().out
    assert "gained" in printed
    assert "cross-validated" in printed
    card = read_card(scorer)
    assert card.training["recipe"]["risky_share"] == 0.05
    assert card.metrics == {}  # measured before; no longer what it does
    examples = list(from_drawings(8, 50, card.concepts, Taxonomy.load()))
    before, after = (
        judge(Scorer.load(s, device="cpu"), examples).risk for s in (small_scorer, scorer)
    )
    assert after.mean() < before.mean()


def test_calibrating_on_pictures_of_the_training_is_refused(
    small_scorer: Path, held_out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scorer = tmp_path / "scorer"
    shutil.copytree(small_scorer, scorer)
    names = read_card(scorer).concepts
    judged = judge(Scorer.load(scorer, device="cpu"), from_drawings(84, 0, names, Taxonomy.load()))
    pictures = {"pictures": sketch(judged.digests)}
    write_card(scorer, replace(read_card(scorer), training=pictures))
    assert run("calibrate", scorer, held_out, "--in-place") == 2
    assert "was trained on these pictures" in capsys.readouterr().err
    assert read_card(scorer).calibration == {}
    assert run("eval", scorer, held_out, "--draws", 5) == 0
    assert "its figures flatter it" in capsys.readouterr().err


def test_one_place_to_write_to_is_needed(
    small_scorer: Path, held_out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("calibrate", small_scorer, held_out)
    assert run("calibrate", small_scorer, held_out, "--out", small_scorer) == 2
    assert "--in-place" in capsys.readouterr().err


def test_a_bundled_scorer_stays_as_it_was_installed(
    held_out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = find_scorer("compact")
    before = (folder / CARD).read_bytes()
    for scorer in ("compact", folder):
        assert run("calibrate", scorer, held_out, "--in-place", "--draws", 5) == 2
        assert "give --out DIR" in capsys.readouterr().err
    assert run("eval", "compact", held_out, "--record", "mine", "--draws", 5) == 2
    assert "--record needs the folder of a copy" in capsys.readouterr().err
    assert (folder / CARD).read_bytes() == before


def test_a_folder_with_something_in_it_is_not_calibrated_into(
    small_scorer: Path, held_out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("calibrate", small_scorer, held_out, "--draws", 5, "--out", tmp_path)
    (tmp_path / CARD).write_text("of another scorer")
    assert run(*words) == 2
    assert "or --overwrite" in capsys.readouterr().err
    assert (tmp_path / CARD).read_text() == "of another scorer"
    assert run(*words, "--overwrite") == 0
    assert read_card(tmp_path).calibration["images"] == 84


def test_thresholds_of_a_scorer_say_when_positives_are_too_few(
    small_scorer: Path, held_out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, page = tmp_path / "policy.yaml", tmp_path / "page.html"
    words = ("thresholds", small_scorer, held_out, "--type", "privacy", "--html", page)
    assert run(*words, "--recall", "0.95", "--write", policy) == 3
    printed = capsys.readouterr()
    assert "it takes 59 groups of positives" in printed.out
    assert "too few positives" in printed.err
    assert not policy.exists()
    assert "<svg" in page.read_text()
    assert run(*words, "--recall", "0.5", "--write", policy) == 0
    assert "privacy" in policy.read_text()
    assert run(*words, "--write", policy) == 2  # without --recall


def test_types_without_labels_are_no_failure(
    small_scorer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = read_card(small_scorer).concepts
    examples = list(from_drawings(84, 0, names, Taxonomy.load()))
    some = [e for e in examples if e.label.type in (SAFE, TYPES.index("privacy"))]
    source = labelled_shard(tmp_path, some)
    policy = tmp_path / "policy.yaml"
    assert run("thresholds", small_scorer, source, "--recall", "0.5", "--write", policy) == 0
    assert "left out, as no picture is labelled so: " in capsys.readouterr().err
    assert run("thresholds", small_scorer, source, "--type", "illegal", "--recall", "0.5") == 3
