"""A scorer: encoder and safety module together, with the card that says what it is.

On disk a scorer is a folder: `scorer.json` (the card), `safety.safetensors`, and, when the encoder
is ours, `encoder.safetensors`. Nothing else is read, and nothing is ever unpickled.

Letters in shapes: B batch, S input side in pixels, K concepts, E embedding width.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from audit.encoder import Encoder, build_encoder
from audit.errors import ScorerError, UsageError
from audit.resources import data_path
from audit.safety import SafetyDims, SafetyModule
from audit.taxonomy import TYPES

FORMAT = 1
AGAIN = "fetch the scorer again"
CARD, SAFETY, ENCODER = "scorer.json", "safety.safetensors", "encoder.safetensors"


@dataclass(frozen=True, slots=True)
class Card:
    """What a scorer is, what it covers and how well it does.

    name           short name, shown in every report
    encoder        encoder spec, see `audit.encoder`
    crop_mode      'pad' (whole picture on a square) or 'center' (as the released model)
    safety         sizes and query mode, see `SafetyDims.to_json`
    concepts       names of the concept outputs, in order
    types_covered  names of the types that training supports, 'safe' among them; outputs of the
                   others are NULL everywhere
    taxonomy_hash  hash of the taxonomy it was trained with
    metrics        named set -> metric -> value
    training       recipe, seed, mix
    limits         sentences on what not to rely on
    files          file name -> sha256 hex
    """

    name: str
    encoder: dict[str, Any]
    crop_mode: Literal["pad", "center"]
    safety: dict[str, Any]
    concepts: tuple[str, ...]
    types_covered: tuple[str, ...]
    taxonomy_hash: str
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: Path) -> Card:
        """Checked on reading. raises ScorerError naming the file and what is wrong"""
        if data.get("format") != FORMAT:
            raise ScorerError(
                f"{where}: format {data.get('format')!r}; this version reads format {FORMAT}"
            )
        lists = {k: tuple(data.get(k, ())) for k in ("concepts", "types_covered", "limits")}
        try:
            card = cls(**{**data, **lists})
        except TypeError as error:
            raise ScorerError(f"{where}: {error}; the card is damaged, fetch it again") from None
        unknown = set(card.types_covered) - set(TYPES)
        if unknown or card.crop_mode not in ("pad", "center"):
            raise ScorerError(
                f"{where}: unknown types {sorted(unknown)} or crop_mode {card.crop_mode!r}; "
                f"known: {', '.join(TYPES)}; pad, center"
            )
        return card


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a batch, as columns.

    types       [B, 7] float32, order of taxonomy.TYPES; rows sum to 1 over the covered types,
                NaN for types the scorer was not trained on
    levels      [B, 4] float32, rows sum to 1, order of taxonomy.LEVELS
    concepts    [B, K] float32 in 0..1, each on its own, order of Scorer.concepts
    embeddings  [B, E] float16, unit length
    evidence    [B, h, w] float32, attention on each patch of the prepared picture
    """

    types: np.ndarray
    levels: np.ndarray
    concepts: np.ndarray
    embeddings: np.ndarray
    evidence: np.ndarray


class Scorer:
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
        self._ready: nn.Module | None = None
        self._device = torch.device("cpu")
        self._covered = torch.tensor([t in card.types_covered for t in TYPES])

    @property
    def size(self) -> int:
        """S, the side in pixels of the square pictures `score` takes."""
        return self.encoder.size

    @property
    def crop_mode(self) -> Literal["pad", "center"]:
        """How `audit.images` brings a picture to that square."""
        return self.card.crop_mode

    @property
    def concepts(self) -> tuple[str, ...]:
        """Names of the columns of `Scores.concepts`."""
        return self.card.concepts

    @property
    def embedding_dim(self) -> int:
        """E."""
        return self.encoder.embedding_width

    @property
    def taxonomy_hash(self) -> str:
        """Hash of the taxonomy the scorer was trained with."""
        return self.card.taxonomy_hash

    @property
    def fingerprint(self) -> str:
        """sha256 hex over everything that decides a score: encoder spec, sizes and weights."""
        digest = hashlib.sha256()
        identity = (
            self.card.encoder,
            self.card.safety,
            self.card.concepts,
            self.card.types_covered,
            self.card.crop_mode,
            self.card.taxonomy_hash,
        )
        digest.update(json.dumps(identity, sort_keys=True).encode())
        for name, tensor in sorted(self._weights().items()):
            digest.update(name.encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

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
            out = self._ready(encoded.patches)
        logits = out.type_logits.float().masked_fill(~self._covered, float("-inf"))
        types = logits.softmax(-1).masked_fill(~self._covered, float("nan"))
        return Scores(
            types=types.cpu().numpy(),
            levels=out.level_logits.float().softmax(-1).cpu().numpy(),
            concepts=out.concept_logits.float().sigmoid().cpu().numpy(),
            embeddings=encoded.embedding.half().cpu().numpy(),
            evidence=out.evidence.float().cpu().numpy(),
        )

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
                files[name] = _sha256(folder / name)
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
        for name in (SAFETY, ENCODER) if card.encoder.get("kind") == "compact" else (SAFETY,):
            if _sha256(folder / name) != card.files.get(name):
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


def scorers() -> list[tuple[str, Path]]:
    """Name and folder of every bundled scorer."""
    return [(p.parent.name, p.parent) for p in sorted(data_path("scorers").glob(f"*/{CARD}"))]


def find_scorer(name_or_folder: str | Path) -> Path:
    """The folder of a scorer. raises UsageError that lists what there is"""
    for name, folder in scorers():
        if name == str(name_or_folder):
            return folder
    folder = Path(name_or_folder)
    if (folder / CARD).is_file():
        return folder
    known = ", ".join(name for name, _ in scorers()) or "none"
    raise UsageError(
        f"{name_or_folder}: neither a bundled scorer ({known}) nor a folder with {CARD}"
    )


def read_card(folder: Path) -> Card:
    """The card of a scorer folder. raises ScorerError naming the file"""
    path = folder / CARD
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ScorerError(f"{path}: not a readable card ({error}); {AGAIN}") from None
    if not isinstance(data, dict):
        raise ScorerError(f"{path}: not a card; {AGAIN}")
    return Card.from_json(data, path)


def write_card(folder: Path, card: Card) -> None:
    """Write the card of a scorer folder."""
    text = json.dumps(asdict(card), indent=1, sort_keys=True)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def resolve_device(device: str) -> torch.device:
    """'auto', 'cpu' or 'cuda' -> a device. raises UsageError when it is not there"""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("--device cuda: no CUDA device is visible here; use --device cpu")
    if os.environ.get("OMP_NUM_THREADS") is None and device == "cpu":
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0))))
    return torch.device(device)


def _floats(path: Path) -> dict[str, Tensor]:
    return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ScorerError(f"{path}: cannot be read ({error.strerror}); {AGAIN}") from None
