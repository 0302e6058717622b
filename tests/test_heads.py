"""Published heads: the numbers of their publishers' code, and only on the right embeddings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from audit import registry
from audit.card import read_card
from audit.errors import CatalogMismatch, ScorerError, UsageError
from audit.heads import import_head
from audit.identity import encoder_identity, encoder_spec
from audit.taxonomy import Taxonomy
from tests.clips import NAME, WIDTH, write_clip

B32 = "ViT-B-32:openai"


class Published(nn.Module):
    """A head as LAION's code has it, of any depth."""

    def __init__(self, *widths: int, norm: bool = True) -> None:
        super().__init__()
        self.count = len(widths) - 1
        if norm:
            self.norm = nn.Module()
            self.norm.register_buffer("mean", torch.randn(widths[0]) * 0.01)
            self.norm.register_buffer("variance", torch.rand(widths[0]) * 0.002)
        for i in range(1, len(widths)):
            setattr(self, f"linear_{i}", nn.Linear(widths[i - 1], widths[i]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if hasattr(self, "norm"):
            x = (x - self.norm.mean) / (self.norm.variance.sqrt() + 1e-10)
        for i in range(1, self.count):
            x = torch.relu(getattr(self, f"linear_{i}")(x))
        return torch.sigmoid(getattr(self, f"linear_{self.count}")(x))


def vectors(rows: int, width: int, seed: int = 0) -> np.ndarray:
    """Unit embeddings [rows, width] float32."""
    x = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, Published]:
    torch.manual_seed(0)
    head = Published(512, 32, 32, 1)
    torch.save(head.state_dict(), tmp_path / "head.pth")
    return tmp_path / "head.pth", head


def test_a_state_dict_gives_what_the_publishers_module_gives(published) -> None:
    path, head = published
    x = vectors(64, 512)
    with torch.inference_mode():
        wanted = head(torch.from_numpy(x))[:, 0].numpy()
    scorer = import_head(path, B32, "nsfw")
    np.testing.assert_allclose(scorer.extras(x)["nsfw"], wanted, atol=1e-5)
    assert wanted.std() > 0.01


def test_embeddings_of_any_length_are_brought_to_length_1(published) -> None:
    path, head = published
    x = vectors(64, 512)
    scorer = import_head(path, B32, "nsfw")
    np.testing.assert_allclose(scorer.extras(x * 11)["nsfw"], scorer.extras(x)["nsfw"], atol=1e-5)
    with torch.inference_mode():
        raw = head(torch.from_numpy(x * 11))[:, 0].numpy()
    assert np.abs(raw - scorer.extras(x * 11)["nsfw"]).max() > 0.1  # it would have mattered


@pytest.mark.parametrize("widths", [(512, 1), (512, 16, 1), (512, 8, 64, 8, 1)])
def test_the_architecture_follows_from_the_tensors(tmp_path: Path, widths: tuple[int, ...]) -> None:
    head = Published(*widths, norm=len(widths) != 3)
    save_file(head.state_dict(), tmp_path / "head.safetensors")
    scorer = import_head(tmp_path / "head.safetensors", B32, "x")
    x = vectors(5, 512)
    with torch.inference_mode():
        wanted = head(torch.from_numpy(x))[:, 0].numpy()
    np.testing.assert_allclose(scorer.extras(x)["x"], wanted, atol=1e-5)


def test_two_prompts_agree_with_the_arg_max_their_users_take(tmp_path: Path) -> None:
    prompts = vectors(2, 512, seed=1) * 1.0002
    np.save(tmp_path / "violence.npy", prompts)
    scorer = import_head(tmp_path / "violence.npy", B32, "violence")
    x = vectors(200, 512)
    found = scorer.extras(x)["violence"]
    np.testing.assert_array_equal(found > 0.5, np.einsum("ij,kj->ik", x, prompts).argmax(1) == 1)
    cosines = 100 * x @ (prompts / np.linalg.norm(prompts, axis=1, keepdims=True)).T
    e = np.exp(cosines - cosines.max(1, keepdims=True))
    np.testing.assert_allclose(found, (e / e.sum(1, keepdims=True))[:, 1], atol=1e-4)


def test_a_saved_head_says_what_it_is_and_scores_the_same(published, tmp_path: Path) -> None:
    path, _ = published
    concept = Taxonomy.load().concept("nudity")
    scorer = import_head(path, B32, "nsfw", concept=concept, source="somewhere", licence="MIT")
    card = read_card(scorer.save(tmp_path / "out"))
    assert card.kind == "head"
    assert card.training["licence"] == "MIT"
    assert card.training["source"] == "somewhere"
    assert card.training["file"] == "head.pth"
    assert B32 in card.limits[0]
    assert "length 1" in card.limits[0]
    again = registry.load_embedding_scorer(tmp_path / "out")
    assert again.fingerprint == scorer.fingerprint
    x = vectors(5, 512)
    scores = again.score_embeddings(x)
    p = again.extras(x)["nsfw"]
    np.testing.assert_allclose(scores.types[:, [1, 6]], np.stack([p, 1 - p], 1), atol=1e-5)
    assert np.isnan(scores.types[:, [0, 2, 3, 4, 5]]).all()
    np.testing.assert_allclose(scores.levels, np.stack([1 - p, 0 * p, 0 * p, p], 1), atol=1e-5)
    np.testing.assert_allclose(scores.concepts[:, 0], p, atol=1e-5)


def test_without_a_concept_a_head_is_an_extra_scorer_only(published, tmp_path: Path) -> None:
    folder = import_head(published[0], B32, "nsfw").save(tmp_path / "out")
    assert registry.load_extra(folder).extra_names == ("nsfw",)
    with pytest.raises(ScorerError, match="no risk type"):
        registry.load_extra(folder).score_embeddings(vectors(2, 512))
    with pytest.raises(UsageError, match="--extra"):
        registry.load_embedding_scorer(folder)


def test_embeddings_of_another_encoder_are_refused_naming_the_one_expected(published) -> None:
    scorer = import_head(published[0], B32, "nsfw")
    registry.check_embeddings(scorer, encoder_identity(encoder_spec("ViT-B/32:openai")), "a")
    registry.check_embeddings(
        scorer, encoder_identity(encoder_spec("ViT-B-32-quickgelu:openai")), "a"
    )
    for other in ("ViT-B-32:laion2b_s34b_b79k", "ViT-B-16:openai"):
        with pytest.raises(CatalogMismatch, match=r"laion.audit: .*ViT-B-32:openai"):
            registry.check_embeddings(scorer, encoder_identity(encoder_spec(other)), "laion.audit")
    with pytest.raises(ScorerError, match=r"\[B, 512\] of ViT-B-32:openai"):
        scorer.extras(vectors(2, 768))


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_rows_without_a_direction_are_named(published, value: float) -> None:
    x = vectors(5, 512)
    x[3] = value
    with pytest.raises(ScorerError, match="embedding 3 of 5"):
        import_head(published[0], B32, "nsfw").extras(x)


def test_a_head_of_another_width_than_the_encoder_named_is_refused(published) -> None:
    with pytest.raises(ScorerError, match=r"reads 512-wide.*ViT-L-14:openai gives 768"):
        import_head(published[0], "ViT-L-14:openai", "nsfw")


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"fc.weight": torch.ones(1, 512)}, "tensors fc.weight"),
        ({"linear_1.weight": torch.ones(1, 512)}, "tensors linear_1.weight"),
        ({"linear_1.weight": torch.ones(2, 512), "linear_1.bias": torch.ones(2)}, "gives 2 "),
        ({"linear_1.weight": torch.ones(1, 512), "linear_1.bias": torch.ones(3)}, "do not fit"),
        ({"linear_1.weight": torch.ones(512), "linear_1.bias": torch.ones(1)}, "do not fit"),
        (
            {"linear_1.weight": torch.full((1, 512), torch.nan), "linear_1.bias": torch.ones(1)},
            "not a number",
        ),
        ({"linear_1.weight": torch.tensor(1.0), "linear_1.bias": torch.ones(1)}, "do not fit"),
        (
            {
                "linear_1.weight": torch.full((1, 512), 1e300, dtype=torch.float64),
                "linear_1.bias": torch.ones(1),
            },
            "not a number",
        ),
        (
            {
                "linear_1.weight": torch.ones(1, 512),
                "linear_1.bias": torch.ones(1),
                "norm.mean": torch.zeros(512),
                "norm.variance": -torch.ones(512),
            },
            "not a number",
        ),
    ],
)
def test_tensors_that_make_no_head_are_refused(
    tmp_path: Path, tensors: dict[str, torch.Tensor], said: str
) -> None:
    torch.save(tensors, tmp_path / "a.pth")
    with pytest.raises(ScorerError, match=said):
        import_head(tmp_path / "a.pth", B32, "x")


def test_a_head_in_bfloat16_is_read(tmp_path: Path) -> None:
    tensors = {"linear_1.weight": torch.full((1, 512), 0.25), "linear_1.bias": torch.ones(1)}
    save_file({k: v.bfloat16() for k, v in tensors.items()}, tmp_path / "a.safetensors")
    judge = import_head(tmp_path / "a.safetensors", B32, "x").judge
    assert judge.logits(np.ones((1, 512), np.float32)).tolist() == [[129.0]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"safety": {"types": [], "levels": []}}, "no types of its 1 concepts"),
        ({"safety": {"types": ["zzz"], "levels": ["high"]}}, "'zzz'"),
        ({"concepts": ["a", "b"]}, "no types of its 2 concepts"),
        ({"safety": None}, "safety is None, not a mapping"),
        ({"concepts": "weapon"}, "concepts is 'weapon', not a list"),
        ({"limits": 5}, "limits is 5"),
        ({"types_covered": [[1]]}, "types_covered is"),
        ({"name": ["x"]}, "name is"),
        ({"calibration": []}, "calibration is"),
        ({"calibration": {"concepts": [1]}}, "no mappings"),
        ({"added": {"weapon": None}}, "no mappings"),
        ({"calibration": {"types": 1e-300}}, "temperature of types"),
    ],
)
def test_a_damaged_card_is_refused_in_one_line(
    published, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    folder = import_head(published[0], B32, "x").save(tmp_path / "head")
    card = json.loads((folder / "scorer.json").read_text())
    (folder / "scorer.json").write_text(json.dumps(card | change))
    with pytest.raises(ScorerError, match=said) as refused:
        registry.load_extra(folder)
    assert "\n" not in str(refused.value)


def test_arrays_that_are_no_prompts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for array in (np.ones(512), np.ones((3, 512)), np.ones((2, 512), int), np.zeros((2, 512)),
                  np.full((2, 512), 1e300)):  # fmt: skip
        np.save(path, array)
        with pytest.raises(ScorerError, match=r"a\.npy"):
            import_head(path, B32, "x")
    np.save(path, np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(ScorerError, match="no array of numbers"):
        import_head(path, B32, "x")
    np.savez(tmp_path / "a.npz", np.ones((2, 512)))
    (tmp_path / "a.npz").rename(path)
    with pytest.raises(ScorerError, match="no array of numbers"):
        import_head(path, B32, "x")
    with pytest.raises(UsageError, match="a head is a"):
        import_head(tmp_path / "a.h5", B32, "x")


def test_the_command_imports_a_head(
    published, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from audit.cli import main

    out = tmp_path / "nsfw"
    line = ["heads", "import", str(published[0]), "--encoder", B32, "--name", "nsfw"]
    assert main([*line, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["encoder"] == B32
    assert registry.load_extra(out).extra_names == ("nsfw",)
    assert main([*line[:-1], "../x", "--out", str(out)]) == 2
    assert main([*line, "--concept", "nonsense", "--out", str(out)]) == 2
    assert main([*line[:3], "--encoder", "ViT-B-32", *line[5:], "--out", str(out)]) == 2


@pytest.mark.parametrize(("model", "width", "layers"), [("ViT-B-32", 512, 3), ("ViT-L-14", 768, 4)])
def test_laions_heads_give_torchs_numbers(
    shared: Path, model: str, width: int, layers: int
) -> None:
    path = shared / "fixtures" / "heads" / f"clip_{model}_openai_binary_nsfw_head.pth"
    state = torch.load(path, weights_only=True)
    shapes = [state[f"linear_{i}.weight"].shape for i in range(1, layers + 1)]
    head = Published(width, *(shape[0] for shape in shapes))
    head.load_state_dict(state)
    x = vectors(200, width)
    with torch.inference_mode():
        wanted = head(torch.from_numpy(x))[:, 0].numpy()
    scorer = import_head(path, f"{model}:openai", "laion-nsfw")
    np.testing.assert_allclose(scorer.extras(x)["laion-nsfw"], wanted, atol=1e-4)
    # Beside a few dimensions that were never of use, its statistics are those of unit vectors.
    of_use = state["norm.variance"] < 1
    second = (state["norm.variance"] + state["norm.mean"] ** 2)[of_use].sum()
    assert of_use.sum() > width - 10
    assert 0.5 < second < 1


def test_laions_head_and_violence_prompts_run_on_a_real_clip_retrieval_output(
    shared: Path, tmp_path: Path
) -> None:
    from audit.embeddings import pieces, survey

    heads = shared / "fixtures" / "heads"
    nsfw = import_head(heads / "clip_ViT-B-32_openai_binary_nsfw_head.pth", B32, "laion-nsfw")
    violence = import_head(heads / "violence_detection_vit_b_32.npy", B32, "violence")
    (piece,) = pieces(survey(shared / "fixtures" / "clip-retrieval-output" / "embeddings"))
    for scorer in (nsfw, violence):  # nine photos of clothes
        (found,) = scorer.extras(piece.embeddings).values()
        assert (found < 0.5).all()


def test_a_head_scores_pictures_through_its_own_encoder(tmp_path: Path) -> None:
    weights, _ = write_clip(tmp_path)
    head = Published(WIDTH, 8, 1)
    torch.save(head.state_dict(), tmp_path / "head.pth")
    concept = Taxonomy.load().concept("nudity")
    import_head(tmp_path / "head.pth", f"{NAME}:{weights}", "x", concept=concept).save(
        tmp_path / "out"
    )
    scorer = registry.load_scorer(tmp_path / "out", device="cpu")
    assert (scorer.size, scorer.crop_mode) == (32, "center")
    scores = scorer.score(np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8))
    with torch.inference_mode():
        wanted = head(torch.from_numpy(scores.embeddings.astype(np.float32)))[:, 0].numpy()
    np.testing.assert_allclose(scores.concepts[:, 0], wanted, atol=2e-3)
