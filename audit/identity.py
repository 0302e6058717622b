"""Which encoder embeddings come from: what is judged by embeddings fits those of one encoder only.

Two CLIPs of equal width give vectors that have nothing to do with each other, and a head on the
wrong ones still gives numbers. So an encoder has an identity, and identities are compared:

    ViT-L-14:openai             an open_clip model and the tag of its weights
    ViT-L-14:sha256-<hex>       the same with the weights of a local file
    compact:sha256-<hex>        an encoder of ours
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.errors import ScorerError, UsageError

OWN_FILE = "encoder.safetensors"


def encoder_identity(encoder: Mapping[str, Any], files: Mapping[str, str] | None = None) -> str:
    """The identity of the encoder that a card names.

    encoder  spec, see `audit.encoder`; the layer does not matter, the embedding is the tower's last
    files    the card's file hashes: weights of an encoder of ours are told by them
    returns  one word, equal for two cards exactly when their embeddings may be compared
    """
    if encoder.get("kind") == "compact":
        return f"compact:sha256-{(files or {}).get(OWN_FILE, 'unsaved')}"
    model, weights = str(encoder.get("model")), encoder.get("pretrained")
    if weights is None:
        return f"{model}:random"
    if not is_file(str(weights)):
        # OpenAI's weights want this activation, so open_clip sets it under either name.
        return f"{model.removesuffix('-quickgelu') if weights == 'openai' else model}:{weights}"
    return f"{model}:sha256-{encoder.get('sha256') or file_sha256(Path(weights))}"


def encoder_spec(named: str) -> dict[str, Any]:
    """The spec of an encoder named as MODEL:WEIGHTS; nothing is loaded.

    named   e.g. 'ViT-L-14:openai', or with a .safetensors file for WEIGHTS; 'ViT-L/14' is taken
            for 'ViT-L-14', as older tools write it
    raises  UsageError when WEIGHTS is missing, ScorerError when its file cannot be read
    """
    model, _, weights = named.partition(":")
    if not model or not weights:
        raise UsageError(
            f"{named!r}: name model and weights, as in ViT-L-14:openai, or the model and a "
            ".safetensors file"
        )
    spec = {"kind": "open_clip", "model": model.replace("/", "-"), "pretrained": weights}
    return spec | ({"sha256": file_sha256(Path(weights))} if is_file(weights) else {})


def is_file(weights: str) -> bool:
    """True when WEIGHTS names a file rather than a tag."""
    return "/" in weights or Path(weights).suffix != ""


def file_sha256(path: Path) -> str:
    """sha256 hex of a file. raises ScorerError when it cannot be read"""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ScorerError(f"{path}: cannot be read ({error.strerror})") from None
