"""From labelled pictures to a report, and what it says about them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from audit.card import read_card
from audit.cli import main
from audit.errors import UsageError
from audit.evaluation import Judged, auroc, evaluate, from_drawings, judge, metrics, separation
from audit.evaluation.evaluating import summary
from audit.evaluation.overlap import KEPT, seen_in_training, sketch
from audit.evaluation.report import page_of, write
from audit.evaluation.style import FEATURES
from audit.examples import Unusable
from audit.scorer import Scorer
from audit.taxonomy import SAFE, TYPES, Taxonomy
from tests.labelled_shards import labelled_shard

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


def four() -> Judged:
    types = np.full((4, 7), NAN, np.float32)
    types[:, 1] = [0.9, 0.2, 0.6, 0.1]
    types[:, SAFE] = 1 - types[:, 1]
    return Judged(
        types=types,
        levels=np.eye(4, dtype=np.float32)[[2, 2, 0, 0]],
        concepts=np.array([[0.9], [0.7], [0.8], [0.1]], np.float32),
        true_types=np.array([1, 1, SAFE, SAFE]),
        true_levels=np.array([2, 2, 0, 0]),
        true_concepts=np.array([[1], [1], [0], [0]], np.float32),
        names=np.array(["weapon", "weapon", "neutral", "confusable"]),
        sources=np.array(["a", "a", "b", "c"]),
        groups=np.array(["1", "2", "3", "4"]),
        style=np.zeros((4, len(FEATURES)), np.float32),
        digests=np.array(["w", "x", "y", "z"]),
    )


def test_metrics_count_what_a_reader_would_count() -> None:
    m = metrics(four(), ["weapon"])
    assert m["images"] == 4
    assert m["auroc_risky_vs_safe"] == 0.75
    assert m["type_accuracy"] == 0.5
    assert m["level_accuracy"] == 1.0
    assert m["harmless_flagged"] == 0.5
    flagged = {"confusable": [0.0, 1], "neutral": [1.0, 1], "weapon": [0.5, 2]}
    assert m["flagged_by_label"] == flagged
    assert m["auroc_by_concept"] == {"weapon": 0.75}


def test_a_label_that_does_not_say_counts_neither_way() -> None:
    judged = four()
    judged.true_concepts[2] = NAN  # the one that spoils the order
    assert metrics(judged, ["weapon"])["auroc_by_concept"] == {"weapon": 1.0}


def test_separation_uses_only_the_two_labels() -> None:
    s = separation(four(), "weapon", ["confusable"], ["weapon"])
    assert s == {"images": [2, 1], "auroc_concept": 1.0, "auroc_risk": 1.0}


def test_separation_of_labels_that_are_no_concept_goes_by_the_risk() -> None:
    s = separation(four(), "neutral", ["confusable"], ["weapon"])
    assert s == {"images": [1, 1], "auroc_concept": None, "auroc_risk": 1.0}


def made_up(n: int = 120, seed: int = 0) -> Judged:
    """Scores that know something, of two sources with a style each."""
    rng = np.random.default_rng(seed)
    names = np.array(["weapon", "neutral", "captcha", "confusable"])[np.arange(n) % 4]
    true = np.array([1, SAFE, 4, SAFE])[np.arange(n) % 4]
    logits = rng.normal(size=(n, 7)) + 2 * np.eye(7)[true]
    logits[:, 3] = -np.inf
    types = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    types[:, 3] = NAN
    levels = np.exp(
        rng.normal(size=(n, 4)) + 2 * np.eye(4)[np.array([3, 0, 2, 0])[np.arange(n) % 4]]
    )
    shows = np.stack([names == "weapon", names == "captcha"], 1)
    style = rng.normal(size=(n, len(FEATURES))).astype(np.float32)
    style[:, 0] += 2.5 * (true == SAFE)
    return Judged(
        types=types.astype(np.float32),
        levels=(levels / levels.sum(1, keepdims=True)).astype(np.float32),
        concepts=(1 / (1 + np.exp(-rng.normal(size=(n, 2)) - 3 * shows + 1))).astype(np.float32),
        true_types=true,
        true_levels=np.array([3, 0, 2, 0])[np.arange(n) % 4],
        true_concepts=shows.astype(np.float32),
        names=names,
        sources=np.array(["<b>shady</b> $x$ | \x1b[31m", "tidy"])[np.arange(n) // 2 % 2],
        groups=(np.arange(n) // 8).astype(str),
        style=style,
        digests=np.arange(n).astype(str),
        unusable=(Unusable("a.tar/1.jpg", "truncated: <script>"), Unusable("b.jsonl", "gone", 3)),
    )


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    found = evaluate(made_up(), ["weapon", "captcha"], resamples=100)
    return {**found, "scorer": {"name": "made-up", "fingerprint": "f" * 64}}


def test_progress_ends_at_as_many_draws_as_were_asked_for() -> None:
    shown: list[tuple[int, int | None, str]] = []
    evaluate(made_up(), ["weapon", "captcha"], resamples=7, progress=lambda *s: shown.append(s))
    draws = [(done, total) for done, total, word in shown if word == "draws"]
    assert (draws[0], draws[-1]) == ((0, 7), (7, 7))


def test_the_report_has_every_figure_with_its_interval(report: dict[str, Any]) -> None:
    for figures in (
        report["risk"]["auroc"],
        report["risk"]["average_precision"],
        report["risk"]["f1"],
        report["type_accuracy"],
        report["levels"]["accuracy"],
        report["levels"]["kappa"],
        report["levels"]["ece"],
        report["types"]["illegal"]["auroc"],
        report["types"]["privacy"]["f1"],
        report["concepts"]["weapon"]["average_precision"],
        report["concepts"]["captcha"]["ece"],
        report["clean"]["names"]["confusable"]["flagged"],
        report["clean"]["sources"]["tidy"]["flagged"],
        report["sources"]["tidy"]["auroc"],
        report["style"]["risk"]["auroc"],
        report["style"]["concepts"]["weapon"]["auroc"],
    ):
        value, low, high = figures
        assert low <= value <= high
        assert low < high
    assert (report["images"], report["groups"], report["risky"]) == (120, 15, 60)
    assert report["unusable"]["images"] == 4
    assert sum(stratum["images"] for stratum in report["strata"]) == 120
    assert sum(map(sum, report["type_confusion"])) == 120
    assert report["types"]["fairness"]["scored"] is False
    assert "auroc" not in report["types"]["politics"]  # none in the set
    json.loads(json.dumps(report, allow_nan=False))


def test_a_set_whose_style_gives_it_away_is_shown_as_such(report: dict[str, Any]) -> None:
    assert report["style"]["risk"]["auroc"][0] > 0.85


def test_a_set_of_one_label_still_has_a_report() -> None:
    judged = made_up()
    safe = judged.take(judged.names == "neutral")
    report = evaluate(safe, ["weapon", "captcha"], resamples=20)
    assert report["risk"]["auroc"][0] is None
    assert report["style"] is None
    card = summary(safe, ["weapon", "captcha"], report)
    assert card["auroc_risky_vs_safe"] is None
    json.dumps(card, allow_nan=False)
    page = page_of({**report, "scorer": {"name": "x", "fingerprint": "y"}})
    assert "No style baseline" in page.as_html()


def test_a_scorer_without_levels_has_a_report_and_a_summary() -> None:
    judged = made_up()
    judged.levels[:] = NAN
    report = evaluate(judged, ["weapon", "captcha"], resamples=20)
    card = summary(judged, ["weapon", "captcha"], report)
    assert card["level_accuracy"] is None
    assert card["level_kappa"] is None
    assert "kappa" in page_of({**report, "scorer": {"name": "x", "fingerprint": "y"}}).as_html()
    from audit.figures import as_text

    assert "level accuracy        -" in as_text(card)


def test_the_card_stays_small(report: dict[str, Any]) -> None:
    card = summary(made_up(), ["weapon", "captcha"], report)
    assert len(json.dumps(card)) < 1500
    assert card["intervals"]["harmless_flagged"] == report["risk"]["harmless_flagged"][1:]
    assert card["unusable"] == 4


def test_the_page_needs_nothing_else_and_strangers_cannot_write_in_it(
    report: dict[str, Any], tmp_path: Path
) -> None:
    written = write(report, tmp_path / "out", tmp_path / "page.html")
    assert [p.name for p in written] == [
        "evaluation.json",
        "evaluation.md",
        "evaluation.html",
        "page.html",
    ]
    page = (tmp_path / "page.html").read_text()
    assert page == (tmp_path / "out/evaluation.html").read_text()
    assert not re.search(r"<(script|link|img|iframe|b)\b|@import", page)
    # Namespaces are names, never fetched.
    loaded = set(re.findall(r"""(?:src|href)=["']([^"'#]+)""", page))
    assert not {url for url in loaded if "w3.org" not in url}
    assert "\x1b" not in page + (tmp_path / "out/evaluation.md").read_text()
    drawn = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(drawn) == 7  # types, concepts, two matrices, two clean slices, reliability
    for svg in drawn:
        ElementTree.fromstring(svg)
    assert json.loads((tmp_path / "out/evaluation.json").read_text()) == report


def test_a_report_is_the_same_again(report: dict[str, Any]) -> None:
    again = evaluate(made_up(), ["weapon", "captcha"], resamples=100)
    assert again == {k: v for k, v in report.items() if k != "scorer"}
    assert page_of(report).as_html() == page_of(report).as_html()


def test_what_cannot_be_judged_is_counted_and_the_rest_is(small_scorer: Path) -> None:
    scorer = Scorer.load(small_scorer, device="cpu")
    good = list(from_drawings(3, 0, scorer.concepts, Taxonomy.load()))
    broken = replace(good[0], data=b"no picture", where="here")
    judged = judge(scorer, [good[0], Unusable("there", "no label"), broken, *good[1:]], batch=2)
    assert len(judged) == 3
    assert [u.where for u in judged.unusable] == ["there", "here"]
    assert judged.style.shape == (3, len(FEATURES))
    assert judged.types.shape == (3, len(TYPES))


def test_nothing_to_judge_is_an_error_with_the_first_reason(small_scorer: Path) -> None:
    scorer = Scorer.load(small_scorer, device="cpu")
    with pytest.raises(UsageError, match="could be judged; the first of 1: a: no label"):
        judge(scorer, [Unusable("a", "no label")])


def test_eval_writes_reports_and_keeps_the_card_small(
    small_scorer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    scorer = tmp_path / "scorer"
    shutil.copytree(small_scorer, scorer)
    (scorer / "README.md").write_text("old")
    concepts = read_card(scorer).concepts
    examples = list(from_drawings(28, 0, concepts, Taxonomy.load()))
    source = labelled_shard(tmp_path / "held-out", examples, spoil=1)
    command = ["eval", str(scorer), str(source), "--device", "cpu", "--draws", "50"]
    out = ["--out", str(tmp_path / "out"), "--record", "mine", "--separate", "captcha", "neutral"]
    assert main([*command, *out]) == 3  # one label names no concept
    printed = capsys.readouterr()
    assert "no such thing" in printed.err
    assert "1 could not be judged" in printed.err
    assert "style alone" in printed.out
    assert "captcha vs neutral" in printed.out
    assert "mine" in (scorer / "README.md").read_text()
    card = read_card(scorer).metrics["mine"]
    assert card["images"] == 27
    assert card["unusable"] == 1
    assert "report" not in card
    assert (tmp_path / "out/evaluation.html").stat().st_size < 3_000_000

    assert main([*command, "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert said["report"]["scorer"]["name"] == "small"


def test_pictures_that_took_part_in_training_are_recognised() -> None:
    import hashlib

    digests = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(5000)]
    card = read_card_of(sketch(digests))
    assert len(card.training["pictures"]["lowest"]) == KEPT
    assert seen_in_training(card, digests[1000:1500]) is not None
    others = [hashlib.sha256(f"x{i}".encode()).hexdigest() for i in range(5000)]
    assert seen_in_training(card, others) is None
    assert seen_in_training(read_card_of(sketch(digests[:10])), digests[9:]) is not None
    assert seen_in_training(read_card_of(None), digests) is None
    later = replace(card, training={"pictures": sketch(others), "before": card.training})
    assert seen_in_training(later, digests) is not None


def read_card_of(pictures: Any) -> Any:
    from audit.resources import data_path

    card = read_card(data_path("scorers", "compact"))
    return replace(card, training={} if pictures is None else {"pictures": pictures})
