"""Training on a frozen encoder: it learns, repeats, resumes, and says what it did."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audit.card import read_card, write_card
from audit.cli import main
from audit.compact import CompactDims
from audit.encoder import CompactEncoder
from audit.errors import UsageError
from audit.resources import data_path
from audit.scorer import Scorer
from audit.taxonomy import SAFE, TYPES, Taxonomy
from audit.training import PSA_VLM, FrozenRecipe, Prepared, modelcard, prepare, train_frozen
from audit.training.checkpoint import Checkpoint
from audit.training.mixture import choose_clean, class_weights
from audit.training.sweep import sweep
from tests.test_labels import png, write

TAXONOMY = Taxonomy.load()
RECIPE = FrozenRecipe(
    epochs=30, batch=16, rate=5e-3, patience=0, clean=0, hidden=16, width=16, depth=1, tokens=4
)


def colour(kind: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """Fire is red, an identity card blue, neutral grey."""
    low, high = int(rng.integers(0, 60)), int(rng.integers(190, 256))
    return ((low + 90, low + 90, low + 90), (high, low, low), (low, low, high))[kind]


def samples(count: int, seed: int = 0) -> list[tuple[bytes, dict]]:
    rng = np.random.default_rng(seed)
    made = []
    for n in range(count):
        kind = n % 3
        made.append(
            (
                png(40, 30, colour(kind, rng)),
                {
                    "concept": ("neutral", "fire", "id_card")[kind],
                    "source": f"source{n % 2}",
                    "group": f"g{n // 3}",
                },
            )
        )
    return made


@pytest.fixture(scope="module")
def tars(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("labelled") / "a.tar", samples(150))


def encoder() -> CompactEncoder:
    torch.manual_seed(5)
    return CompactEncoder(CompactDims(size=32, stem=4, widths=(8, 8, 16), depth=1))


def prepared(tars: str, cache: Path, recipe: FrozenRecipe = RECIPE) -> Prepared:
    # Flat pictures all have the same perceptual hash, so the split goes by itself here.
    found, unusable = prepare([tars], TAXONOMY, replace(recipe, split="random"), encoder(), cache)
    assert not unusable
    return found


@pytest.fixture(scope="module")
def ready(tars: str, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared(tars, tmp_path_factory.mktemp("features"))


def test_it_learns_and_leaves_the_encoder_as_it_is(ready: Prepared, tmp_path: Path) -> None:
    before = {k: v.clone() for k, v in ready.encoder.state_dict().items()}
    trained = train_frozen(ready, RECIPE, name="t")
    card = trained.scorer.card
    assert all(torch.equal(v, before[k]) for k, v in trained.scorer.encoder.state_dict().items())
    assert card.metrics["held-out"]["auroc_risky_vs_safe"] > 0.9
    assert card.metrics["held-out"]["images"] == ready.split.held_out.sum() == 30
    assert card.types_covered == ("illegal", "privacy", "safe")
    assert card.training["mix"]["examples"] == 120
    assert trained.history.looks[0]["held_out"] > trained.history.looks[-1]["held_out"]
    modelcard.save(trained, tmp_path / "s")
    text = (tmp_path / "s" / "README.md").read_text()
    for said in ("30 pictures", "## Limits", "fire", "source0", "![Loss"):
        assert said in text
    for plot in ("learning.svg", "confusion.svg"):
        assert plot in text
        assert (tmp_path / "s" / plot).read_text().lstrip().startswith("<?xml")
    # What is read back scores the very held-out pictures as the card says.
    loaded = Scorer.load(tmp_path / "s", device="cpu")
    assert loaded.card.metrics == json.loads(json.dumps(card.metrics))


def test_two_runs_give_the_same_scorer_and_the_same_metrics(ready: Prepared) -> None:
    recipe = replace(RECIPE, epochs=3)
    one, two = (train_frozen(ready, recipe, name="t").scorer for _ in range(2))
    assert one.card.metrics == two.card.metrics
    assert one.fingerprint == two.fingerprint
    other = train_frozen(ready, replace(recipe, seed=1), name="t").scorer
    assert other.fingerprint != one.fingerprint


def test_a_killed_run_goes_on_and_ends_with_the_same_scorer(
    ready: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, epochs=4, patience=2)
    whole = train_frozen(ready, recipe, name="t")
    save, calls = Checkpoint.save, []

    def dying(self: Checkpoint, tensors: dict, state: dict) -> None:
        save(self, tensors, state)
        calls.append(1)
        if len(calls) == 13:  # in the second of four passes of eight steps
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoint, "save", dying)
        train_frozen(ready, recipe, name="t", out=tmp_path, checkpoint_seconds=0)
    went_on = train_frozen(ready, recipe, name="t", out=tmp_path, checkpoint_seconds=1e9)
    assert went_on.scorer.fingerprint == whole.scorer.fingerprint
    assert went_on.scorer.card.metrics == whole.scorer.card.metrics
    assert went_on.history == whole.history


def test_all_risky_and_so_many_clean_are_trained_on() -> None:
    types = np.array([SAFE] * 50 + [1] * 20 + [4] * 10)
    for wanted, used in ((None, 20), (0, 50), (7, 7), (90, 50)):
        kept, asked = choose_clean(types, wanted, 3)
        assert kept[types != SAFE].all()
        assert kept[types == SAFE].sum() == used
        assert asked == (20 if wanted is None else wanted or 50)
    few, many = (choose_clean(types, n, 3)[0] for n in (5, 30))
    assert (many | ~few).all(), "a sweep adds clean examples and exchanges none"


def test_a_shortfall_of_clean_examples_is_said(ready: Prepared) -> None:
    said: list[str] = []
    recipe = replace(RECIPE, epochs=1, clean=3000)
    card = train_frozen(ready, recipe, name="t", tell=said.append).scorer.card
    assert said == ["clean examples: 3,000 wanted, 40 there"]
    assert card.training["clean"] == {"wanted": 3000, "used": 40}
    assert any("40 clean examples where 3,000" in limit for limit in card.limits)


def test_classes_weigh_as_asked() -> None:
    names = np.array(["neutral"] * 90 + ["fire"] * 9 + ["weapon"])
    types = np.where(names == "neutral", SAFE, 1)
    assert (class_weights(types, names, "none") == 1).all()
    for kind, ratio in (("balanced", 9.0), ("sqrt", 3.0)):
        weights = class_weights(types, names, kind)
        assert weights.mean() == pytest.approx(1)
        assert weights[types == SAFE].sum() == pytest.approx(50)
        assert weights[99] / weights[90] == pytest.approx(ratio)


def test_labels_without_a_single_concept_train_types_and_levels(tmp_path: Path) -> None:
    rows = [
        (data, {"safe_type": 6 if n % 3 == 0 else 4, "safe_level": 0 if n % 3 == 0 else 2})
        for n, (data, _) in enumerate(samples(60))
    ]
    tar = write(tmp_path / "a.tar", rows)
    ready = prepared(tar, tmp_path / "f")
    assert ready.names == ()
    trained = train_frozen(ready, replace(RECIPE, epochs=2), name="t")
    assert trained.scorer.concepts == ()
    assert trained.scorer.card.types_covered == ("privacy", "safe")
    assert Scorer.load(trained.scorer.save(tmp_path / "s"), device="cpu").concepts == ()


def test_the_preset_has_the_released_settings_and_sizes() -> None:
    assert (PSA_VLM.epochs, PSA_VLM.rate, PSA_VLM.batch, PSA_VLM.warmup) == (3, 1e-5, 128, 20)
    assert (PSA_VLM.clean, PSA_VLM.seed, PSA_VLM.decay, PSA_VLM.shape) == (3000, 256, 0, "linear")
    assert PSA_VLM.weights[:2] == (10, 10)
    from audit.safety import HeadDims, ProjectorDims, SafetyDims, SafetyModule

    with torch.device("meta"):
        module = SafetyModule(
            SafetyDims(
                ProjectorDims(1024, PSA_VLM.hidden, PSA_VLM.width, None, PSA_VLM.depth),
                HeadDims(PSA_VLM.width, PSA_VLM.tokens, PSA_VLM.heads),
            )
        )
    assert sum(p.numel() for p in module.projector.parameters()) == 40_115_920  # papers.md 1.4
    assert sum(p.numel() for p in module.head.attention.parameters()) == 67_125_248


def test_a_sweep_trains_one_scorer_a_number_on_one_held_out_part(
    ready: Prepared, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, epochs=2)
    rows = sweep(ready, recipe, [20, 5], tmp_path)
    assert [(row["wanted"], row["used"]) for row in rows] == [(5, 5), (20, 20)]
    assert all(row["images"] == 30 for row in rows)
    assert set(rows[0]["type_accuracy_by_type"]) == {"illegal", "privacy", "safe"}
    table = (tmp_path / "sweep.md").read_text()
    assert "| 5 | " in table
    assert f"{rows[1]['type_accuracy']:.3f}" in table
    plot = (tmp_path / "sweep.svg").read_bytes()
    weights = (tmp_path / "clean-5" / "safety.safetensors").stat().st_mtime_ns
    assert sweep(ready, recipe, [5, 20], tmp_path) == rows, "finished scorers are taken as they are"
    assert (tmp_path / "clean-5" / "safety.safetensors").stat().st_mtime_ns == weights
    assert (tmp_path / "sweep.svg").read_bytes() == plot


def test_the_card_of_the_bundled_scorer_can_be_written_for_people(tmp_path: Path) -> None:
    card = read_card(data_path("scorers", "compact"))
    write_card(tmp_path, card)
    text = modelcard.write(tmp_path).read_text()
    for name, figures in card.metrics.items():
        assert f"### {name}" in text
        for value in figures.values():
            if isinstance(value, float):
                assert f"| {value:.3f} |" in text or value == figures.get("flagged_at")
    assert all(limit in text for limit in card.limits)


def test_probabilities_are_moved_to_the_assumed_share(ready: Prepared) -> None:
    recipe = replace(RECIPE, epochs=1, weighting="none", risky_share=None)
    as_trained = train_frozen(ready, recipe, name="t").scorer
    moved = train_frozen(ready, replace(recipe, risky_share=0.2), name="t").scorer
    difference = (
        moved.safety.head.type_head.bias[SAFE] - as_trained.safety.head.type_head.bias[SAFE]
    )
    share = 80 / 120  # of the training part
    assert difference.item() == pytest.approx(np.log(0.8 / 0.2) - np.log((1 - share) / share), 1e-4)
    assert TYPES[SAFE] == "safe"


def test_the_command_writes_a_whole_scorer_folder(
    tars: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        "train", tars, "--encoder", "compact", "--preset", "frozen", "--epochs", "1",
        "--split", "random", "--device", "cpu", "--features", str(tmp_path / "f"),
    ]  # fmt: skip
    assert main([*given, "--out", str(tmp_path / "s")]) == 0
    out = capsys.readouterr()
    assert "held out: 30 images" in out.out
    assert "MB a picture" in out.err
    assert {p.name for p in (tmp_path / "s").iterdir()} == {
        "scorer.json", "safety.safetensors", "encoder.safetensors", "README.md", "learning.svg",
        "confusion.svg",
    }  # fmt: skip
    assert main([*given, "--out", str(tmp_path / "w"), "--sweep-clean", "10,20"]) == 0
    assert "| 10 | " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clean", "5"], "--clean is of no use with the compact encoder"),
        (["--preset", "frozen", "--steps", "5"], "--steps is of no use with a frozen encoder"),
        (["--preset", "frozen", "--from", "x"], "--from is of no use"),
        (["--preset", "frozen", "--sweep-clean", "5", "--held-out", "0"], "--held-out above 0"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "x.tar", "--out", str(tmp_path / "s"), *options]) == 2
    assert message in capsys.readouterr().err


def test_examples_of_one_side_are_refused(tmp_path: Path) -> None:
    tar = write(tmp_path / "a.tar", [s for s in samples(9) if s[1]["concept"] != "neutral"])
    with pytest.raises(UsageError, match="all 6 examples are of one side"):
        prepare([tar], TAXONOMY, RECIPE, copy.deepcopy(encoder()), tmp_path / "f")
