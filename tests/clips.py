"""A real open_clip model with a text tower, small and randomly initialised, its weights on disk."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file

NAME = "tiny-test-clip"
WIDTH = 16
CONFIG = {
    "embed_dim": WIDTH,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 24, "head_width": 12, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def write_clip(folder: Path, seed: int = 0) -> tuple[Path, open_clip.CLIP]:
    """Make NAME known to open_clip and write its weights; returns their file and the model."""
    (folder / f"{NAME}.json").write_text(json.dumps(CONFIG))
    open_clip.add_model_config(folder)
    torch.manual_seed(seed)
    model = open_clip.create_model(NAME).eval()
    with torch.no_grad():  # untrained towers hardly differ from text to text; a trained one does
        model.token_embedding.weight.mul_(40)
        model.logit_scale.fill_(3.0)
    weights = folder / "tiny.safetensors"
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, weights)
    return weights, model
