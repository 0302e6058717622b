"""The bundled scorer does what its card says."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.card import read_card
from audit.evaluation import from_drawings, judge, metrics
from audit.examples import read_examples
from audit.resources import data_path
from audit.scorer import Scorer
from audit.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def compact() -> Scorer:
    return Scorer.load("compact", device="cpu")


def test_it_is_small_enough_to_ship() -> None:
    folder = data_path("scorers", "compact")
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 15_000_000


def test_it_is_of_the_bundled_taxonomy_and_knows_its_limits(compact: Scorer) -> None:
    assert compact.taxonomy_hash == Taxonomy.load().hash
    assert "fairness" not in compact.card.types_covered
    assert {"held-out-photos", "held-out-drawings", "other-sources"} <= compact.card.metrics.keys()
    assert any("one source each" in limit for limit in compact.card.limits)


def test_held_out_photographs_score_as_the_card_says(compact: Scorer, shared: Path) -> None:
    photos = str(shared / "datasets/risk-photos/val-*.tar")
    examples = read_examples([photos], compact.concepts, Taxonomy.load())
    found = metrics(judge(compact, examples), compact.concepts)
    written = read_card(data_path("scorers", "compact")).metrics["held-out-photos"]
    for name in ("auroc_risky_vs_safe", "type_accuracy", "harmless_flagged"):
        assert found[name] == pytest.approx(written[name], abs=0.005), name
    assert found["auroc_risky_vs_safe"] >= 0.97
    assert found["type_accuracy"] >= 0.90


def test_drawings_of_another_seed_and_other_templates_are_told_apart(compact: Scorer) -> None:
    drawings = from_drawings(560, 1_700_000, compact.concepts, Taxonomy.load())
    found = metrics(judge(compact, drawings), compact.concepts)
    assert found["type_accuracy"] >= 0.90
    assert found["harmless_flagged"] <= 0.10
