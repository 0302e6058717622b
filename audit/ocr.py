"""The words in a picture: is it worth looking for some, and what do they say.

Reading costs a hundred times what scoring a picture does, so it is done only where the picture
looks like text. The models come inside the RapidOCR package; nothing is downloaded.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import numpy as np

from audit.errors import ScorerError

READ_SIDE: Final = 736
"""Longest side in pixels at which pictures are best read; larger ones are only slower."""
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
            "Global.max_side_len": READ_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        self._engine: Any = RapidOCR(params=options)

    def read(self, image: np.ndarray) -> str:
        """The words of a picture [H, W, 3] uint8 RGB, top to bottom; empty when there are none."""
        found = self._engine(np.ascontiguousarray(image[:, :, ::-1]))
        return " ".join(found.txts or ())
