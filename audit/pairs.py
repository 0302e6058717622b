"""The picture and its caption together: which of the five combinations a sample is.

Picture first, caption second, the five of HoliSafe (arXiv 2506.04704). A harmless picture and a
harmless caption can be harmful together. What of that can be seen here: harm that the words make
once the picture's own words, or the names of what is seen in it, stand beside the caption (an
instruction split between the two). What cannot: harm that needs a thing in the picture which no
concept names.

Letters in shapes: B batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

COMBINATIONS: Final = (
    "unsafe_unsafe",
    "unsafe_safe",
    "safe_unsafe",
    "safe_safe_unsafe",
    "safe_safe",
)
SEEN: Final = 0.3
"""A concept at least this probable is named beside the caption."""


def joined(caption: str | None, image_text: str | None, concepts: Iterable[str] = ()) -> str | None:
    """What to give the text scorer for the pair; None where it would say no more than the caption.

    image_text  what was read in the picture
    concepts    names of the concepts seen in it (probability >= SEEN)
    """
    seen = ", ".join(name.replace("_", " ") for name in concepts)
    beside = " ".join((image_text or "").split()) or (f"Picture of {seen}." if seen else "")
    if not beside or not (caption or "").strip():
        return None
    return f"{beside} {caption}"


def picture_risk(
    image_risk: np.ndarray, image_text_risk: np.ndarray, typographic: np.ndarray
) -> np.ndarray:
    """[B] float32: the risk of the picture with its words heard; NaN where there is no image_risk.

    image_risk       [B] by its looks
    image_text_risk  [B] of the words read in it, NaN where none were read
    typographic      [B] bool: the looks say risky because of being a page of text, no more; there
                     the words decide, and elsewhere the riskier of the two
    """
    read = ~np.isnan(image_text_risk)
    risk = np.where(read, np.maximum(image_risk, np.nan_to_num(image_text_risk)), image_risk)
    heard: np.ndarray = np.where(read & typographic, image_text_risk, risk).astype(np.float32)
    return np.where(np.isnan(image_risk), np.float32(np.nan), heard)


def combine(
    picture: np.ndarray,
    caption: np.ndarray,
    pair: np.ndarray,
    *,
    picture_at: float,
    text_at: float,
) -> list[str | None]:
    """Which of COMBINATIONS each sample is; None without a picture's or a caption's score.

    picture     [B] as `picture_risk` gives it
    caption     [B] risk of the caption, NaN where there is none
    pair        [B] risk of `joined`, NaN where it gave None
    picture_at  a picture is unsafe from this risk on; text_at: a text
    """
    unsafe = (picture >= picture_at, caption >= text_at, pair >= text_at)
    known = ~(np.isnan(picture) | np.isnan(caption))
    names = np.select(
        [unsafe[0] & unsafe[1], unsafe[0], unsafe[1], unsafe[2]], COMBINATIONS[:4], COMBINATIONS[4]
    )
    return [str(name) if there else None for name, there in zip(names, known, strict=True)]
