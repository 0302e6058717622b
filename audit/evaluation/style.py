"""What style alone would score: size, shape, compression and colour, and nothing that is shown.

Collections are often gathered class by class, so that the size of a file or the setting of a
JPEG encoder gives the label away. A scorer that is no better than this baseline may have learned
no more than that.

Letters in shapes: N examples, F features, C labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from audit.images import Picture
from audit.records import unpadded

FEATURES = (
    "width", "height", "log_aspect", "log_bytes", "bytes_per_pixel", "is_jpeg", "jpeg_quality",
    "mean_red", "mean_green", "mean_blue", "std_red", "std_green", "std_blue",
)  # fmt: skip
FOLDS = 5

# Table K.1 of ITU-T T.81, which IJG's libjpeg scales by its quality setting.
_LUMINANCE = np.array(
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
        14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ]
)  # fmt: skip
_PERCENT = np.array([5000 // q if q < 50 else 200 - 2 * q for q in range(1, 101)])
_SUMS = np.clip((_LUMINANCE * _PERCENT[:, None] + 50) // 100, 1, 255).sum(1)


def style_of(data: bytes, picture: Picture, *, padded: bool) -> np.ndarray:
    """Style of one picture.

    data     the bytes of its file
    padded   whether `picture` was brought to its square by padding; the padding is not looked at
    returns  [F] float32, order of FEATURES; NaN where it has none (the quality of a PNG)
    """
    aspect = picture.width / picture.height
    shown = unpadded(picture.pixels, aspect) if padded else picture.pixels
    return np.array(
        [
            picture.width,
            picture.height,
            math.log(aspect),
            math.log(max(1, len(data))),
            len(data) / (picture.width * picture.height),
            picture.format == "jpeg",
            jpeg_quality(data) if picture.format == "jpeg" else math.nan,
            *shown.mean((0, 1)),
            *shown.std((0, 1)),
        ],
        np.float32,
    )


def jpeg_quality(data: bytes) -> float:
    """The quality setting (1..100) whose luminance table comes nearest, read from the file.

    NaN when there is no table before the first scan. The scale is libjpeg's, jcparam.c; other
    encoders have tables of their own, and get the setting whose table is as coarse.
    """
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA or length < 2:
            break
        if marker == 0xDB:
            table = data[at + 4 : at + 2 + length]
            wide = bool(table and table[0] >> 4)
            values = np.frombuffer(
                table[1 : 1 + (128 if wide else 64)], ">u2" if wide else np.uint8
            )
            if len(values) == 64 and not table[0] & 15:
                return float(np.abs(_SUMS - int(values.sum())).argmin() + 1)
        at += 2 + length
    return math.nan


def cross_validated(
    style: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, list[str]] | None:
    """What gradient boosted trees on style say of each example, having seen only other groups.

    style    [N, F] float32; labels [N] str; groups [N] str, none is cut by a fold
    returns  [N, C] float64 probabilities and the C labels; None where there is nothing to tell
             apart or fewer than two groups
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    known = sorted(set(labels.tolist()))
    fold_of = folds(labels, groups, seed)
    if len(known) < 2 or fold_of.max() < 1:
        return None
    out = np.zeros((len(labels), len(known)))
    for fold in range(fold_of.max() + 1):
        seen, held = fold_of != fold, fold_of == fold
        present = sorted(set(labels[seen].tolist()))
        columns = [known.index(name) for name in present]
        if len(present) == 1:
            out[held, columns[0]] = 1
        else:
            trees = HistGradientBoostingClassifier(
                max_iter=60, learning_rate=0.15, early_stopping=False, random_state=seed
            )
            trees.fit(style[seen], labels[seen])
            out[np.ix_(held, columns)] = trees.predict_proba(style[held])
        if progress:
            progress(fold + 1)
    return out, known


def folds(labels: np.ndarray, groups: np.ndarray, seed: int = 0) -> np.ndarray:
    """[N] int: a fold for each example; groups stay whole, labels are spread evenly.

    As many folds as FOLDS, or as groups where there are fewer.
    """
    names, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    by_label = shuffled[np.argsort(labels[first][shuffled], kind="stable")]
    fold = np.empty(len(names), np.int64)
    fold[by_label] = np.arange(len(names)) % min(FOLDS, len(names))
    spread: np.ndarray = fold[inverse]
    return spread
