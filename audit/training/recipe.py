"""Everything that decides a training run besides the examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Weighting = Literal["none", "sqrt", "balanced"]
SplitKind = Literal["group", "source", "random"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A run that trains the compact encoder and the safety modules together.

    steps       optimiser steps
    batch       examples a step
    rate        peak learning rate of AdamW; warm-up over 5 % of the steps, then cosine to zero
    decay       weight decay of matrices
    averaging   decay of the running average of the weights that becomes the scorer
    documents   drawn documents mixed in
    seed        of weights, order, views and drawings
    width       E, width of safety tokens and head
    strength    0..1, how much is composed and how far views go; 1 unlearns the look of a source,
                a gentler second run gets used to pictures as they come
    risky_share  share of risky pictures that the probabilities assume; batches have half, so
                 the finished scorer is moved there (Saerens et al. 2002, equation 4). One in
                 ten is more than most collections from the web hold
    """

    steps: int = 4500
    batch: int = 64
    rate: float = 1.5e-3
    decay: float = 0.05
    averaging: float = 0.999
    documents: int = 4000
    seed: int = 256
    width: int = 192
    strength: float = 1.0
    risky_share: float = 0.1


@dataclass(frozen=True, slots=True)
class FrozenRecipe:
    """A run that trains the safety modules on stored features of a frozen encoder.

    epochs       passes over the training part, at most
    batch        examples a step
    rate         peak learning rate of AdamW
    decay        weight decay of matrices
    shape        how the rate falls to zero after the warm-up
    warmup       steps; None takes 5 % of them
    averaging    decay of the running average of the weights that becomes the scorer; 0 takes the
                 weights as they are
    patience     epochs without a lower loss on the held-out part after which training ends, and
                 the best epoch's weights are taken; 0 trains all epochs and takes the last
    held_out     share of the examples kept out of training
    split        what must not lie on both sides, see `audit.training.splits`
    clean        harmless examples in training, all risky ones stay; None takes as many as the
                 largest risk type has, 0 all of them
    weighting    a class counts in the loss as often as it comes ('none'), all classes alike
                 ('balanced'), or in between, by the root of its number ('sqrt')
    weights      of the type, level and concept terms of the loss
    risky_share  share of risky pictures that the probabilities assume; None leaves them at the
                 share of the training mix
    documents    drawn documents mixed in
    seed         of weights, order, split, choice of clean examples and drawings
    hidden, width, depth, tokens, heads   sizes, see `ProjectorDims` and `HeadDims`
    """

    epochs: int = 30
    batch: int = 64
    rate: float = 1e-3
    decay: float = 0.05
    shape: Literal["cosine", "linear"] = "cosine"
    warmup: int | None = None
    averaging: float = 0.99
    patience: int = 5
    held_out: float = 0.2
    split: SplitKind = "group"
    clean: int | None = None
    weighting: Weighting = "sqrt"
    weights: tuple[float, float, float] = (1.0, 0.5, 2.0)
    risky_share: float | None = 0.1
    documents: int = 0
    seed: int = 256
    hidden: int = 128
    width: int = 192
    depth: int = 2
    tokens: int = 16
    heads: int = 4


PSA_VLM = FrozenRecipe(
    epochs=3,
    batch=128,
    rate=1e-5,
    decay=0.0,
    shape="linear",
    warmup=20,
    averaging=0.0,
    patience=0,
    held_out=0.2,
    clean=3000,
    weighting="none",
    weights=(10.0, 10.0, 10.0),
    risky_share=None,
    seed=256,
    hidden=1088,
    width=4096,
    depth=3,
    tokens=64,
    heads=8,
)
"""Stage I as released: papers.md 3.1 (settings), 1.2 and 1.3 (sizes). The concept output is ours
and takes the same weight; picture and query are those of our default (papers.md O1, O16)."""

PRESETS = {"frozen": FrozenRecipe(), "psa-vlm": PSA_VLM}
