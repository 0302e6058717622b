"""Images to patch features and an embedding, captions to embeddings; the one home of open_clip.

An encoder is described by a spec, plain data that stands on a scorer's card:

    {"kind": "compact", "dims": {...}}                     weights travel with the scorer
    {"kind": "open_clip", "model": "ViT-L-14-336", "pretrained": "openai", "layer": -2}
                                                           weights from the hub or a local file,
                                                           then with its "sha256"

Letters in shapes: B batch, S input side in pixels, T patches, D feature width, E embedding width.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audit.compact import CompactDims, CompactNet
from audit.errors import ScorerError, UsageError, WeightsUnavailable
from audit.identity import file_sha256, is_file
from audit.quiet import quiet_logs

PENULTIMATE = -2
"""Default hidden layer, as LLaVA uses it (papers.md 1.2 step 3)."""


class Encoded(NamedTuple):
    """What an encoder gives for a batch.

    patches    [B, T, D] float32, T a square number, class token dropped
    embedding  [B, E] float32, unit length
    """

    patches: Tensor
    embedding: Tensor


class Encoder(nn.Module):
    """Common face of the encoders. `size`, `patch_width`, `embedding_width` are read off the model.

    spec             plain data that `build_encoder` understands
    size             S, input side in pixels
    patch_width      D
    embedding_width  E
    """

    spec: dict[str, Any]
    size: int
    patch_width: int
    embedding_width: int
    mean: Tensor
    std: Tensor

    def _describe(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1) * 255, persistent=False)

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, S, S] uint8 or float in 0..255 -> zero-centred, in the model's dtype."""
        dtype = next(self.parameters()).dtype
        x = (pixels.float() - self.mean) / self.std
        return x.to(dtype, memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> Encoded:
        """Encode pixels [B, 3, S, S], uint8 or float in 0..255."""
        raise NotImplementedError


class CompactEncoder(Encoder):
    """The bundled small network; the embedding is the mean patch feature."""

    def __init__(self, dims: CompactDims | None = None) -> None:
        super().__init__()
        dims = dims or CompactDims()
        self.spec = {"kind": "compact", "dims": asdict(dims)}
        self.size = dims.size
        self.patch_width = self.embedding_width = dims.widths[-1]
        self.net = CompactNet(dims).to(memory_format=torch.channels_last)
        self._describe((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))

    def forward(self, pixels: Tensor) -> Encoded:
        """Encode pixels [B, 3, S, S]; D and E are the last stage's width."""
        grid = self.net(self.normalised(pixels))
        patches = grid.flatten(2).transpose(1, 2).float()
        return Encoded(patches, F.normalize(patches.mean(1), dim=-1))


class OpenClipEncoder(Encoder):
    """Any open_clip image tower, at any hidden layer.

    model       open_clip model name, e.g. 'ViT-L-14-336'
    pretrained  open_clip tag, or path of a local .safetensors file; None gives random weights
    layer       block whose output is taken: -1 the last, -2 (default) the one before; None: no
                patches [B, 0, 0], the embedding only, and then any image tower will do
    sha256      what a local file must hash to, where that is known
    raises      UsageError on an unknown model, tag or layer or an unsafe file; ScorerError on a
                file that has changed; WeightsUnavailable when weights are not here and no hub can
                be reached
    """

    def __init__(
        self,
        model: str,
        pretrained: str | None,
        layer: int | None = PENULTIMATE,
        *,
        sha256: str | None = None,
        whole: Any = None,
    ) -> None:
        """Load the tower, or take it from a `whole` model that is loaded already."""
        super().__init__()
        self.spec = {"kind": "open_clip", "model": model, "pretrained": pretrained, "layer": layer}
        self.visual = (_load(model, pretrained) if whole is None else whole).visual
        if pretrained is not None and is_file(pretrained):
            self.spec["sha256"] = found = file_sha256(Path(pretrained))
            if sha256 not in (None, found):
                raise ScorerError(
                    f"{pretrained}: is not the file the scorer was made with (sha256 {found:.8}, "
                    f"not {sha256:.8}); bring back that file, or make the scorer again"
                )
        size = self.visual.image_size
        self.size = size if isinstance(size, int) else int(size[0])
        self.layer = layer
        mean, std = self.visual.preprocess_cfg["mean"], self.visual.preprocess_cfg["std"]
        self._describe(tuple(mean), tuple(std))
        with torch.inference_mode():
            probe = self.eval()(torch.zeros(1, 3, self.size, self.size, dtype=torch.uint8))
        self.patch_width = probe.patches.shape[-1]
        self.embedding_width = probe.embedding.shape[-1]

    def forward(self, pixels: Tensor) -> Encoded:
        """Encode pixels [B, 3, S, S]. raises UsageError when there is no such layer"""
        x = self.normalised(pixels)
        if self.layer is None:
            out = self.visual(x)
            embedding = out[0] if isinstance(out, tuple) else out  # some give their tokens too
            none = embedding.new_zeros(len(pixels), 0, 0, dtype=torch.float32)
            return Encoded(none, F.normalize(embedding.float(), dim=-1))
        try:
            out = self.visual.forward_intermediates(
                x, indices=[self._index(self.layer)], output_fmt="NCHW"
            )
        except (IndexError, AssertionError) as error:
            raise UsageError(f"{self.spec['model']} has no layer {self.layer}: {error}") from None
        patches = out["image_intermediates"][0].flatten(2).transpose(1, 2).float()
        return Encoded(patches, F.normalize(out["image_features"].float(), dim=-1))

    def _index(self, layer: int) -> int:
        blocks = getattr(getattr(self.visual, "transformer", None), "resblocks", None)
        if blocks is None:
            trunk = getattr(self.visual, "trunk", None)
            blocks = getattr(trunk, "blocks", getattr(trunk, "stages", None))
        if blocks is None:
            raise UsageError(
                f"{self.spec['model']}: its image tower has no list of layers; use a ViT or a "
                "timm tower"
            )
        index = layer % len(blocks) if layer < 0 else layer
        if not 0 <= index < len(blocks) or layer < -len(blocks):
            raise UsageError(
                f"{self.spec['model']} has layers 0..{len(blocks) - 1} (or -1..-{len(blocks)}), "
                f"not {layer}"
            )
        return index


class TextTower:
    """The text tower of an open_clip model.

    model, pretrained  as of `OpenClipEncoder`, and the same errors
    logit_scale        what the model multiplies cosines with, about 100
    """

    BATCH = 64

    def __init__(self, model: str, pretrained: str) -> None:
        """Load the whole model; an `OpenClipEncoder` may share it."""
        self.whole = _load(model, pretrained)
        self.logit_scale = float(self.whole.logit_scale.detach().exp())
        import open_clip

        with quiet_logs():
            try:
                self._tokens = open_clip.get_tokenizer(model)
            except Exception as error:
                raise WeightsUnavailable(
                    _unreachable(model, f"{pretrained} (its tokenizer)", error)
                ) from None

    @torch.inference_mode()
    def encode(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> npt.NDArray[np.float32]:
        """Captions -> embeddings [len(texts), E] of unit length.

        progress  told how many are done; what is beyond the model's context length is not read
        """
        found = []
        for start in range(0, len(texts), self.BATCH):
            tokens = self._tokens(list(texts[start : start + self.BATCH]))
            found.append(F.normalize(self.whole.encode_text(tokens).float(), dim=-1).numpy())
            progress(start + len(tokens))
        return np.concatenate(found)


def build_encoder(spec: Mapping[str, Any]) -> Encoder:
    """The encoder a spec describes; compact weights are random until loaded.

    raises  ScorerError on a spec of another kind or with missing fields, and what the
            encoders raise
    """
    try:
        if spec["kind"] == "compact":
            dims = dict(spec["dims"])
            return CompactEncoder(CompactDims(**dims | {"widths": tuple(dims["widths"])}))
        if spec["kind"] == "open_clip":
            return OpenClipEncoder(
                spec["model"],
                spec.get("pretrained"),
                spec.get("layer", PENULTIMATE),
                sha256=spec.get("sha256"),
            )
    except (KeyError, TypeError) as error:
        raise ScorerError(f"encoder spec {dict(spec)} is incomplete: {error}") from None
    raise ScorerError(f"encoder kind {spec['kind']!r} is unknown; known: compact, open_clip")


def embedding_width(model: str) -> int | None:
    """E of an open_clip model, without loading it; None when its description does not say."""
    import open_clip

    width = (open_clip.get_model_config(model) or {}).get("embed_dim")
    return width if isinstance(width, int) else None


def _load(model: str, pretrained: str | None) -> Any:
    """An open_clip model, both towers; the image tower knows the preprocessing it wants."""
    import open_clip

    if model not in open_clip.list_models():
        near = [m for m in open_clip.list_models() if model.split("-")[0] in m][:6]
        raise UsageError(f"open_clip has no model {model!r}; near: {', '.join(near) or 'none'}")
    local = pretrained is not None and is_file(pretrained)
    if pretrained is not None and local:
        _check_file(Path(pretrained), model)
    elif pretrained is not None:
        tags = open_clip.list_pretrained_tags_by_model(model)
        if pretrained not in tags:
            raise UsageError(
                f"open_clip has no weights {pretrained!r} for {model}; known: "
                f"{', '.join(tags) or 'none'}; or pass the path of a .safetensors file"
            )
    with warnings.catch_warnings(), quiet_logs():
        warnings.simplefilter("ignore")  # QuickGELU and hub chatter; failures are raised below
        try:
            whole: Any = open_clip.create_model(
                model, pretrained=pretrained, pretrained_text=False, weights_only=True
            )
        except Exception as error:
            if local:
                first = str(error).splitlines()[0][:160]
                raise ScorerError(f"{pretrained} does not fit {model}: {first}") from None
            raise WeightsUnavailable(_unreachable(model, str(pretrained), error)) from None
    return whole.eval()


def _check_file(path: Path, model: str) -> None:
    if path.suffix != ".safetensors":
        raise UsageError(
            f"{path}: only .safetensors weights are read (other formats can run code); convert "
            "the file with safetensors.torch.save_file"
        )
    if not path.is_file():
        raise WeightsUnavailable(f"{path}: no such file; pass the local weights of {model}")


def _unreachable(model: str, tag: str, error: Exception) -> str:
    hub = os.environ.get("HF_HOME", "~/.cache/huggingface")
    return (
        f"weights {tag!r} of {model} are neither in the local cache ({hub}) nor to be fetched "
        f"({type(error).__name__}); fetch them on a machine with access, copy the .safetensors "
        f"file here and pass its path in place of {tag!r}"
    )
