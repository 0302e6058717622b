"""A scorer: encoder and safety module together, with the card that says what it is.

Letters in shapes: B batch, S input side in pixels, K concepts, D embedding width, E width of the
safety features.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from audit.card import AGAIN, ENCODER, SAFETY, Card, Described, find_scorer, read_card, write_card
from audit.devices import resolve_device
from audit.encoder import Encoder, build_encoder
from audit.errors import ScorerError
from audit.identity import encoder_identity, file_sha256
from audit.safety import FoldedSafetyModule, SafetyDims, SafetyModule
from audit.taxonomy import TYPES

HEADS = ("safety.head.type_head.", "safety.head.level_head.", "safety.head.concept_head.")
"""Weights that read the safety features and take no part in making them."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a batch, as columns.

    types       [B, 7] float32, order of taxonomy.TYPES; rows sum to 1 over the covered types,
                NaN for types the scorer was not trained on
    levels      [B, 4] float32, rows sum to 1, order of taxonomy.LEVELS
    concepts    [B, K] float32 in 0..1, each on its own, order of Scorer.concepts
    embeddings  [B, D] float16, unit length
    evidence    [B, h, w] float32, attention on each patch of the prepared picture
    features    [B, E] float32, the safety features: the pooled attention output that the three
                heads read; [B, 0] from scorers that have none
    """

    types: np.ndarray
    levels: np.ndarray
    concepts: np.ndarray
    embeddings: np.ndarray
    evidence: np.ndarray
    features: np.ndarray


class Scorer(Described):
    """Scores prepared pictures; made by `load`, `audit.training` or `untrained`."""

    def __init__(self, card: Card, encoder: Encoder, safety: SafetyModule) -> None:
        if safety.dims.projector.encoder_width != encoder.patch_width:
            raise ScorerError(
                f"scorer {card.name} wants {safety.dims.projector.encoder_width}-wide features, "
                f"encoder gives {encoder.patch_width}; use the encoder named on its card: "
                f"{card.encoder}"
            )
        self.card = card
        self.encoder = encoder
        self.safety = safety
        self._ready: FoldedSafetyModule | None = None
        self._device = torch.device("cpu")
        self._covered = torch.tensor([t in card.types_covered for t in TYPES])

    @property
    def size(self) -> int:
        """S, the side in pixels of the square pictures `score` takes."""
        return self.encoder.size

    @property
    def embedding_dim(self) -> int:
        """D."""
        return self.encoder.embedding_width

    @property
    def fingerprint(self) -> str:
        """sha256 hex over everything that decides a score: encoder, sizes, weights, calibration."""
        card = self.card
        identity: tuple[object, ...] = (
            card.encoder,
            card.safety,
            card.concepts,
            card.types_covered,
            card.crop_mode,
            card.taxonomy_hash,
        )
        if card.calibration:
            identity += ({"calibration": card.fitted},)
        return _digest(identity, self._weights())

    @property
    def body(self) -> str:
        """sha256 hex over everything that decides the safety features.

        Scorers of one body differ in heads and calibration only: what one has stored as features,
        the other can judge (`from_features`).
        """
        sizes = self.safety.dims.to_json()
        sizes["head"] = {k: sizes["head"][k] for k in ("width", "tokens", "heads")}
        weights = {
            name: tensor for name, tensor in self._weights().items() if not name.startswith(HEADS)
        }
        spec = self.card.encoder
        encoder = spec if spec["kind"] == "compact" else [encoder_identity(spec), spec.get("layer")]
        return _digest((encoder, sizes, self.card.crop_mode), weights)

    def _weights(self) -> dict[str, Tensor]:
        """Weights that travel with the scorer, as stored (matrices in half precision)."""
        parts = {f"safety.{k}": v for k, v in self.safety.state_dict().items()}
        if self.card.encoder["kind"] == "compact":
            parts |= {f"encoder.{k}": v for k, v in self.encoder.state_dict().items()}
        return {k: (v.half() if v.ndim > 1 else v).detach().cpu() for k, v in parts.items()}

    def to(self, device: str) -> Scorer:
        """Move to 'cpu', 'cuda' or 'auto' (cuda when there is one) and make ready to score."""
        self._device = resolve_device(device)
        self.encoder.to(self._device).eval()
        self.safety.to(self._device).eval()
        self._covered = self._covered.to(self._device)
        self._ready = self.safety.folded().to(self._device).eval()
        return self

    @torch.inference_mode()
    def score(self, pixels: np.ndarray) -> Scores:
        """Score prepared pictures [B, S, S, 3] uint8; on a full device the batch is halved."""
        if self._ready is None:
            self.to("cpu")
        try:
            return self._score(pixels)
        except torch.OutOfMemoryError:
            if len(pixels) < 2:
                raise
            torch.cuda.empty_cache()
        half = len(pixels) // 2
        first, second = self.score(pixels[:half]), self.score(pixels[half:])
        return Scores(
            *(np.concatenate([getattr(first, n), getattr(second, n)]) for n in Scores.__slots__)
        )

    def _score(self, pixels: np.ndarray) -> Scores:
        assert self._ready is not None
        batch = torch.from_numpy(pixels).to(self._device, non_blocking=True).permute(0, 3, 1, 2)
        with torch.autocast("cuda", torch.bfloat16, enabled=self._device.type == "cuda"):
            encoded = self.encoder(batch)
            pooled, weights = self._ready.pool(encoded.patches)
        return self._judge(
            pooled.float(),
            encoded.embedding.half().cpu().numpy(),
            self._ready.evidence(weights).float().cpu().numpy(),
        )

    @torch.inference_mode()
    def from_features(self, features: np.ndarray, embeddings: np.ndarray) -> Scores:
        """Scores from stored safety features; no image is needed.

        features    [B, E] float, of a scorer with the same `body`
        embeddings  [B, D] float16, handed through
        returns     what `score` gave, but for `evidence`, which is [B, 0, 0]
        raises      ScorerError when the features are of another width
        """
        if self._ready is None:
            self.to("cpu")
        width = self.safety.dims.head.width
        if features.ndim != 2 or features.shape[1] != width:
            raise ScorerError(
                f"scorer {self.card.name} reads {width}-wide safety features, not "
                f"{list(features.shape)}; use a scorer of the body that made them"
            )
        pooled = torch.from_numpy(features.astype(np.float32, copy=False)).to(self._device)
        return self._judge(pooled, embeddings, np.zeros((len(features), 0, 0), np.float32))

    def explain(self, image: bytes | np.ndarray, what: str | None = None) -> np.ndarray:
        """Where in a picture the evidence lies: [h, w] float32 on the upright picture, sum 1.

        image   an image file, or RGB [H, W, 3] uint8
        what    a type or concept; None: the likeliest risky type. See `audit.explaining`
        raises  ImageError, and UsageError when the scorer does not give that type or concept
        """
        from audit.explaining import explain

        return explain(self, image, what).evidence

    @torch.inference_mode()
    def contributions(self, pixels: np.ndarray, reader: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """What the parts of one prepared picture [S, S, 3] say to `reader` [E], and their weights.

        returns  values and attention weights, [A, N + Q] float32 each: safety tokens, then patches;
                 see `FoldedSafetyModule.contributions`
        """
        if self._ready is None:
            self.to("cpu")
        assert self._ready is not None
        batch = torch.from_numpy(pixels[None]).to(self._device).permute(0, 3, 1, 2)
        patches = self.encoder(batch).patches
        values, weights = self._ready.contributions(patches, reader.to(self._device))
        return values[0].cpu().numpy(), weights[0].cpu().numpy()

    def _judge(self, pooled: Tensor, embeddings: np.ndarray, evidence: np.ndarray) -> Scores:
        """Safety features [B, E] -> probabilities, by the heads and the card's calibration."""
        head, fitted = self.safety.head, self.card.calibration
        logits = head.type_head(pooled).masked_fill(~self._covered, float("-inf"))
        types = (logits / fitted.get("types", 1.0)).softmax(-1)
        levels = (head.level_head(pooled) / fitted.get("levels", 1.0)).softmax(-1)
        return Scores(
            types=types.masked_fill(~self._covered, float("nan")).cpu().numpy(),
            levels=levels.cpu().numpy(),
            concepts=self._concepts(pooled).cpu().numpy(),
            embeddings=embeddings,
            evidence=evidence,
            features=pooled.cpu().numpy(),
        )

    def _concepts(self, pooled: Tensor) -> Tensor:
        """Concept probabilities [B, K] of safety features [B, E].

        One concept at a time: a product with all rows at once rounds by their number, and a
        concept that is added must not move the others by a bit.
        """
        head, lines = self.safety.head.concept_head, self.card.calibration.get("concepts", {})
        if head is None:
            return pooled.new_zeros(len(pooled), 0)
        columns = []
        for name, weight, bias in zip(self.concepts, head.weight, head.bias, strict=True):
            slope, intercept = lines.get(name, (1.0, 0.0))
            columns.append(((pooled @ weight + bias) * slope + intercept).sigmoid())
        return torch.stack(columns, 1)

    def save(self, folder: Path | str) -> Path:
        """Write card and weights; the card's file hashes are filled in. returns the folder"""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = self._weights()
        files = {}
        for prefix, name in (("safety.", SAFETY), ("encoder.", ENCODER)):
            part = {
                k.removeprefix(prefix): v.contiguous()
                for k, v in weights.items()
                if k.startswith(prefix)
            }
            if part:
                save_file(part, folder / name)
                files[name] = file_sha256(folder / name)
        write_card(folder, replace(self.card, files=files))
        return folder

    @classmethod
    def load(cls, name_or_folder: str | Path, *, device: str = "auto") -> Scorer:
        """Load a bundled scorer by name, or a scorer folder, ready to score.

        raises  UsageError when there is none, ScorerError when files do not match the card,
                WeightsUnavailable when the encoder's weights cannot be had
        """
        folder = find_scorer(name_or_folder)
        card = read_card(folder)
        if card.kind != "safety":
            raise ScorerError(f"{folder}: a scorer of kind {card.kind!r} has no safety module")
        for name in (SAFETY, ENCODER) if card.encoder.get("kind") == "compact" else (SAFETY,):
            if file_sha256(folder / name) != card.files.get(name):
                raise ScorerError(f"{folder / name}: does not match its card; {AGAIN}")
        encoder = build_encoder(card.encoder)
        try:
            safety = SafetyModule(SafetyDims.from_json(card.safety))
            safety.load_state_dict(_floats(folder / SAFETY))
            if card.encoder["kind"] == "compact":
                encoder.load_state_dict(_floats(folder / ENCODER))
        except (RuntimeError, TypeError, KeyError, OSError, SafetensorError) as error:
            first = str(error).splitlines()[0][:160]
            raise ScorerError(f"{folder}: weights do not fit the card: {first}") from None
        return cls(card, encoder, safety).to(device)


def untrained(
    encoder: Encoder,
    *,
    concepts: tuple[str, ...],
    types_covered: tuple[str, ...],
    dims: SafetyDims,
    taxonomy_hash: str,
    name: str = "untrained",
    crop_mode: Literal["pad", "center"] = "pad",
) -> Scorer:
    """A scorer with fresh safety modules: where training starts, and what benchmarks time."""
    card = Card(
        name=name,
        encoder=encoder.spec,
        crop_mode=crop_mode,
        safety=dims.to_json(),
        concepts=concepts,
        types_covered=types_covered,
        taxonomy_hash=taxonomy_hash,
    )
    return Scorer(card, encoder, SafetyModule(dims))


def _digest(identity: object, weights: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode())
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _floats(path: Path) -> dict[str, Tensor]:
    return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
