"""Published heads: somebody else's probability, computed from the embeddings of one CLIP.

Read, without running anything of the file:

    .pth .pt .safetensors   a state dict of dense layers `linear_1` ... `linear_n`, with ReLU
                            between, and `norm.mean`, `norm.variance` before them where they are:
                            the form of LAION's NSFW heads. The last layer's one output is a
                            log-odds; a sigmoid makes it the probability.
    .npy                    two prompt embeddings [2, E], the harmless one first: the form of
                            LAION's violence detector. Its users take the arg-max of the two
                            cosines; the softmax of 100 times them (CLIP's logit scale, as in the
                            prompt-tuning work such prompts come from, Schramowski et al. 2022)
                            has the same arg-max and is a probability.

All of them want embeddings of length 1: the means and variances inside LAION's heads are those of
unit vectors. So embeddings are always brought to length 1 first; given longer ones such a head
calls nearly everything one thing, without an error.

Letters in shapes: B rows, E embedding width.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.torch import load_file

from audit.card import Card
from audit.embedding_scorer import FILES, EmbeddingScorer, Floats, read_tensors
from audit.encoder import build_encoder, embedding_width
from audit.errors import ScorerError, UsageError
from audit.halves import singles
from audit.identity import encoder_identity, encoder_spec, file_sha256
from audit.npy import mapped
from audit.statedict import read_state_dict
from audit.taxonomy import Concept, Taxonomy

PROMPT_SCALE = 100.0
EPSILON = 1e-10  # beside the standard deviation, as the published heads compute

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class DenseJudge:
    """Dense layers with ReLU between; the last has one output, the log-odds.

    mean, scale  [E], or None: what is taken off an embedding, and what it is then multiplied with
    layers       (weight [out, in], bias [out]) from first to last
    """

    mean: Floats | None
    scale: Floats | None
    layers: tuple[tuple[Floats, Floats], ...]

    @property
    def width(self) -> int:
        """E."""
        return int(self.layers[0][0].shape[1])

    def logits(self, embeddings: Floats) -> Floats:
        """Unit embeddings [B, E] -> log-odds [B, 1]."""
        x = embeddings
        if self.mean is not None and self.scale is not None:
            x = (x - self.mean) * self.scale
        for i, (weight, bias) in enumerate(self.layers):
            x = (np.maximum(x, 0) if i else x) @ weight.T + bias
        return x

    def tensors(self) -> Tensors:
        """By the names of the published state dicts, but for `norm.scale`."""
        pair = {"norm.mean": self.mean, "norm.scale": self.scale}
        norm = {name: value for name, value in pair.items() if value is not None}
        layers = {
            f"linear_{i}.{name}": value
            for i, layer in enumerate(self.layers, 1)
            for name, value in zip(("weight", "bias"), layer, strict=True)
        }
        return {**norm, **layers}


def import_head(
    path: Path,
    encoder: str,
    name: str,
    *,
    concept: Concept | None = None,
    source: str = "",
    licence: str = "",
) -> EmbeddingScorer:
    """A scorer from a published file.

    encoder  MODEL:WEIGHTS whose embeddings the head was made for, see `audit.identity`
    concept  what its probability is of; without one it can only be an extra scorer
    source   where it was published; its file name is kept in any case
    raises   ScorerError when the file is refused or does not fit the encoder
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", name):
        raise UsageError(f"--name {name!r}: use letters, digits, '_', '-' and '.', 64 at most")
    spec = {**encoder_spec(encoder), "layer": None}
    judge = _read(path)
    width = embedding_width(spec["model"])
    if width is not None and width != judge.width:
        raise ScorerError(
            f"{path}: reads {judge.width}-wide embeddings, {encoder_identity(spec)} gives "
            f"{width}-wide ones; name the encoder it was made for"
        )
    card = Card(
        name=name,
        kind="head",
        encoder=spec,
        crop_mode="center",  # as published heads and embeddings are made
        safety={
            "types": [concept.type if concept else None],
            "levels": [concept.level if concept else None],
            "embeddings": "unit length",
        },
        concepts=(concept.name if concept else name,),
        types_covered=(concept.type, "safe") if concept else (),
        taxonomy_hash=Taxonomy.load().hash,
        training={
            "recipe": "published",
            "file": path.name,
            "sha256": file_sha256(path),
            "source": source or "not stated",
            "licence": licence or "not stated",
        },
        limits=(
            f"For embeddings of {encoder_identity(spec)} only, brought to length 1.",
            "Trained and calibrated by its publishers, if at all; measure it with `audit eval`.",
            "A flag is a candidate for review, not a verdict.",
        ),
    )
    return EmbeddingScorer(card, judge)


def from_folder(folder: Path, card: Card, *, pictures: bool) -> EmbeddingScorer:
    """Read a scorer folder of kind 'head'.

    pictures  whether the image tower is wanted too
    raises    ScorerError when its files do not fit the card, and as `build_encoder`
    """
    judge = _judge(folder / FILES["head"], read_tensors(folder, card))
    return EmbeddingScorer(card, judge, build_encoder(card.encoder) if pictures else None)


def _read(path: Path) -> DenseJudge:
    if path.suffix == ".npy":
        return _prompts(path)
    if path.suffix == ".safetensors":
        try:
            # Through torch: NumPy knows no bfloat16.
            return _judge(path, {k: v.float().numpy() for k, v in load_file(path).items()})
        except (SafetensorError, OSError) as error:
            raise ScorerError(f"{path}: cannot be read ({str(error)[:100]})") from None
    if path.suffix in (".pth", ".pt"):
        return _judge(path, read_state_dict(path))
    raise UsageError(f"{path}: a head is a .pth, .pt, .safetensors or .npy file")


def _prompts(path: Path) -> DenseJudge:
    """Two prompts as one dense layer: the log-odds of a softmax over two is a difference."""
    try:
        array = mapped(path)
    except (OSError, ValueError) as error:
        raise ScorerError(f"{path}: no array of numbers ({str(error)[:100]})") from None
    if array.ndim != 2 or len(array) != 2 or array.dtype.kind != "f":
        raise ScorerError(
            f"{path}: {array.dtype} {list(array.shape)}; expected two prompt embeddings [2, E], "
            "the harmless one first"
        )
    unit = singles(array)
    lengths = np.linalg.norm(unit, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ScorerError(f"{path}: a prompt is zero or holds what is not a number")
    unit /= lengths
    weight = np.float32(PROMPT_SCALE) * (unit[1] - unit[0])
    return DenseJudge(None, None, ((weight[None], np.zeros(1, np.float32)),))


def _judge(path: Path, tensors: Tensors) -> DenseJudge:
    """Derive the layers from the names and shapes of their tensors."""
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is no number: see below
        floats = {k: v.astype(np.float32) for k, v in tensors.items()}
        mean, scale = floats.pop("norm.mean", None), floats.pop("norm.scale", None)
        variance = floats.pop("norm.variance", None)
        if variance is not None:
            scale = np.reciprocal(np.sqrt(variance) + np.float32(EPSILON)).astype(np.float32)
    count = len(floats) // 2
    wanted = [f"linear_{i}.{name}" for i in range(1, count + 1) for name in ("weight", "bias")]
    if set(wanted) != set(floats) or not count or (mean is None) != (scale is None):
        raise ScorerError(
            f"{path}: tensors {', '.join(tensors)[:160]}; a head is linear_1.weight, linear_1.bias "
            "and so on, with norm.mean and norm.variance or without"
        )
    layers = tuple(
        (floats[f"linear_{i}.weight"], floats[f"linear_{i}.bias"]) for i in range(1, count + 1)
    )
    ins = width = layers[0][0].shape[-1] if layers[0][0].ndim else 0
    for i, (weight, bias) in enumerate(layers, 1):
        if weight.ndim != 2 or weight.shape[1] != ins or bias.shape != weight.shape[:1]:
            raise ScorerError(
                f"{path}: linear_{i} is {list(weight.shape)} with bias {list(bias.shape)} behind "
                f"{ins} numbers; the layers do not fit each other"
            )
        ins = len(weight)
    every = [x for x in (mean, scale) if x is not None]
    if ins != 1 or any(x.shape != (width,) for x in every):
        raise ScorerError(f"{path}: gives {ins} numbers or normalises another width than {width}")
    if not all(np.isfinite(x).all() for x in (*every, *floats.values())):
        raise ScorerError(f"{path}: holds what is not a number; fetch it again")
    return DenseJudge(mean, scale, layers)
