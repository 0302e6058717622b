"""The words in a picture: is it worth looking for some, and what do they say.

Reading costs a hundred times what scoring a picture does, so it is done only where the picture
looks like text. The models come inside the RapidOCR package; nothing is downloaded.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import numpy as np
from PIL import Image

from audit.errors import ScorerError
from audit.looks import looks_like_text

__all__ = ["MIN_CONFIDENCE", "READ_SIDES", "Reader", "looks_like_text"]

READ_SIDES: Final = (480, 736)
"""Longest side in pixels at which pictures are read: small ones are enlarged first, at most three
times, large ones shrunk."""
MIN_CONFIDENCE: Final = 0.6


class Reader:
    """Reads the words of pictures, one picture at a time; made once, kept by one thread."""

    def __init__(self, *, threads: int = 1) -> None:
        """Load the models. raises ScorerError when RapidOCR is not installed"""
        try:
            from rapidocr import RapidOCR
        except ImportError:
            raise ScorerError(
                "reading words in pictures needs RapidOCR; install shardwarden[ocr]"
            ) from None
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        options = {
            "Global.log_level": "error",
            "Global.text_score": MIN_CONFIDENCE,
            "Global.use_cls": False,  # does nothing but find lines that stand on their head
            "Det.limit_type": "max",
            "Det.limit_side_len": READ_SIDES[1],
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        self._engine: Any = RapidOCR(params=options)

    def read(self, image: np.ndarray) -> str:
        """The words of an upright picture [H, W, 3] uint8 RGB, top to bottom; "" without any.

        Words that stand on their head, and writing of a few pixels' height, are not read.
        """
        if min(image.shape[:2]) < 8:
            return ""
        found = self._engine(np.ascontiguousarray(_sized(image)[:, :, ::-1]))
        return " ".join(found.txts or ())


def _sized(image: np.ndarray) -> np.ndarray:
    """The picture at a size that is worth its cost."""
    longest = max(image.shape[:2])
    scale = min(READ_SIDES[1] / longest, max(1.0, min(3.0, READ_SIDES[0] / longest)))
    if scale == 1:
        return image
    size = tuple(max(8, round(side * scale)) for side in image.shape[1::-1])
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
