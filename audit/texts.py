"""The text stage of a scan: captions, the words in pictures, and the two together.

Pictures are read by the threads that decode, one reader a thread and one thread a reader, so that
reading never brings a second pool of threads along. Texts are scored by the batch, in the turn in
which pictures are.
"""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import columns
from audit.errors import ShardwardenError
from audit.ocr import Reader, looks_like_text
from audit.pairs import COMBINATIONS, SEEN, combine, joined, picture_risk
from audit.taxonomy import SAFE

if TYPE_CHECKING:
    from audit.scorer import Scores
    from audit.text_scorer import TextScorer

DEFAULT = "text-minilm"
UNSAFE = 0.5  # a picture is unsafe from this risk on
TYPOGRAPHIC = "typographic"  # concept: a page of text, whatever it says


class TextStage:
    """Scores captions, reads pictures, or both; `load` makes it."""

    def __init__(self, scorer: TextScorer | None, *, ocr: bool) -> None:
        """scorer: None leaves the scores NULL; ocr: read pictures that look like text."""
        self.scorer = scorer
        self.ocr = ocr
        self._kept = threading.local()
        self._lock = threading.Lock()
        self.pictures_read = 0
        self.ocr_seconds = 0.0  # of all threads together
        self.score_seconds = 0.0

    @property
    def identity(self) -> dict[str, Any]:
        """What audit.json says: equal for stages whose columns may stand in one catalog."""
        return {
            "captions": self.scorer.card.name if self.scorer else "off",
            "captions_sha256": self.scorer.fingerprint if self.scorer else None,
            "threshold": self.scorer.threshold if self.scorer else None,
            "ocr": "on" if self.ocr else "off",
        }

    def wants(self, pixels: npt.NDArray[np.uint8]) -> bool:
        """True for a prepared picture [S, S, 3] whose words are worth reading."""
        return self.ocr and looks_like_text(pixels)

    def read(self, view: npt.NDArray[np.uint8]) -> str:
        """The words of a picture [H, W, 3]; "" when there are none. Any thread may call it."""
        began = time.monotonic()
        text = self._reader().read(view)
        with self._lock:
            self.pictures_read += 1
            self.ocr_seconds += time.monotonic() - began
        return text

    def prepare(self) -> None:
        """Load a reader now. raises ScorerError when it cannot be, before anything is scanned"""
        self._reader()

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._kept, "reader", None)
        if reader is None:
            with self._lock:
                reader = self._kept.reader = Reader(threads=1)
        return reader

    def words(
        self,
        captions: Sequence[str | None],
        image_texts: Sequence[str | None],
        scores: Scores,
        concept_names: Sequence[str],
    ) -> pa.Table:
        """B rows of columns.WORDS.

        image_texts  what was read in each picture, None where nothing was tried
        scores       of the same B pictures
        """
        if self.scorer is None:
            return columns.words({"image_text": image_texts})
        began = time.monotonic()
        count = len(captions)
        seen = [
            [name for name, p in zip(concept_names, row, strict=True) if p >= SEEN]
            for row in scores.concepts
        ]
        together = [joined(*given) for given in zip(captions, image_texts, seen, strict=True)]
        found = self.scorer.score([*captions, *image_texts, *together])
        caption, words, pair = (found.risk[i * count : (i + 1) * count] for i in range(3))
        typographic = _typographic(scores.concepts, concept_names)
        picture = picture_risk(1 - scores.types[:, SAFE], words, typographic)
        table: dict[str, Sequence[Any]] = {
            "caption_risk": caption.tolist(),
            "caption_type": found.names[:count],
            "image_text": image_texts,
            "image_text_risk": words.tolist(),
            "pair": combine(
                picture, caption, pair, picture_at=UNSAFE, text_at=self.scorer.threshold
            ),
        }
        self.score_seconds += time.monotonic() - began
        return columns.words(table)


def as_before(catalog: Path, captions: str, ocr: str) -> tuple[str, str]:
    """What 'auto' means for a catalog that is there: what it was made with."""
    try:
        header = json.loads((catalog / "audit.json").read_bytes())
        text = header["text"] or {"captions": "off", "ocr": "off"}
        return (
            text["captions"] if captions == "auto" else captions,
            text["ocr"] if ocr == "auto" else ocr,
        )
    except (OSError, ValueError, KeyError, TypeError):  # none; what is damaged the scan will say
        return captions, ocr


def load(
    captions: str, ocr: str, *, device: str = "cpu", warn: Callable[[str], None]
) -> TextStage | None:
    """The text stage as it was asked for; None when there is nothing to do.

    captions  'auto' (the bundled scorer, when its sentence encoder is on this machine: nothing is
              fetched unasked), 'off', or a name or folder of a text scorer
    ocr       'auto' (when RapidOCR is installed), 'on' or 'off'
    warn      told in one line what 'auto' leaves out
    raises    as `load_text_scorer`, but for 'auto'; ScorerError for 'on' without RapidOCR
    """
    scorer = None
    if captions != "off":
        from audit.devices import resolve_device
        from audit.text_scorer import load_text_scorer

        auto = captions == "auto"
        try:
            scorer = load_text_scorer(
                DEFAULT if auto else captions, device=resolve_device(device).type, fetch=not auto
            )
        except (ShardwardenError, ImportError) as error:
            if not auto:
                raise
            warn(
                f"captions are not scored: {error}; --captions {DEFAULT} fetches it, --captions "
                "off leaves them out without a word"
            )
    reads = ocr == "on" or (ocr == "auto" and importlib.util.find_spec("rapidocr") is not None)
    if scorer is None and not reads:
        return None
    stage = TextStage(scorer, ocr=reads)
    if ocr == "on":
        stage.prepare()
    return stage


def _typographic(concepts: npt.NDArray[np.float32], names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """[B]: a page of text is the likeliest that a picture shows, and likely."""
    if TYPOGRAPHIC not in names:
        return np.zeros(len(concepts), np.bool_)
    page = np.nan_to_num(concepts)[:, list(names).index(TYPOGRAPHIC)]
    found: npt.NDArray[np.bool_] = (page >= UNSAFE) & (page >= np.nan_to_num(concepts).max(axis=1))
    return found


def pairs_again(
    table: pa.Table, threshold: float, scores: Scores, concept_names: Sequence[str]
) -> list[str | None]:
    """The column `pair` of scored rows whose pictures have new scores.

    table      these rows: caption_risk, image_text_risk and pair as they were
    threshold  a text is unsafe from this risk on
    What the caption and the picture's words say together is not scored again: it stays as harmful
    as it was.
    """

    def column(name: str) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = table.column(name).to_numpy()
        return found.astype(np.float32)

    before = table.column("pair").to_pylist()
    pair = np.array([1.0 if was == COMBINATIONS[3] else 0.0 for was in before], np.float32)
    picture = picture_risk(
        1 - scores.types[:, SAFE],
        column("image_text_risk"),
        _typographic(scores.concepts, concept_names),
    )
    return combine(
        picture, column("caption_risk"), pair, picture_at=UNSAFE,
        text_at=threshold,
    )  # fmt: skip
