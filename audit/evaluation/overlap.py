"""Whether pictures took part in training, from a few hundred numbers on the card.

Of the sha256 of all training pictures the lowest are kept (a bottom-k sketch, Broder 1997). Any
other set's digests that are as low are looked up there: a picture found was in training. A set of
which n pictures were in a training of N is found out but for (1 - n / N) ** 256 of the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.card import Card

KEPT = 256
_DIGITS = 16  # of sha256, 64 bits: no two pictures share them by chance
_KEY = "pictures"


def sketch(digests: Iterable[str]) -> dict[str, Any]:
    """What a card keeps of training pictures, as `pictures` of its training or added concepts.

    digests   sha256 hex of the bytes of each picture; '' for those that are in no file
    """
    known = sorted({digest[:_DIGITS] for digest in digests} - {""})
    return {"distinct": len(known), "lowest": known[:KEPT]}


def seen_in_training(card: Card, digests: Iterable[str]) -> str | None:
    """What says that some of these took part in training; None when the card says no such thing.

    digests  sha256 hex of the bytes of each picture
    """
    mine = {digest[:_DIGITS] for digest in digests}
    training: Any = card.training
    while isinstance(training, dict):
        if found := _found(training.get(_KEY), mine):
            return found
        training = training.get("before")  # the run that this one went on from
    concepts = (_found(added.get(_KEY), mine) for added in card.added.values())
    return next((found for found in concepts if found), None)


def seen_in_calibration(card: Card, digests: Iterable[str]) -> str | None:
    """As `seen_in_training`, of the pictures that the card was calibrated on."""
    return _found(card.calibration.get(_KEY), {digest[:_DIGITS] for digest in digests})


def _found(known: Any, mine: set[str]) -> str | None:
    if not isinstance(known, dict) or not known.get("lowest"):
        return None
    lowest = set(known["lowest"])
    limit = known["lowest"][-1]
    looked_at = mine if known["distinct"] <= len(lowest) else {d for d in mine if d <= limit}
    found = len(looked_at & lowest)
    if not found:
        return None
    return f"{found:,} of the {len(looked_at):,} that its card can tell"
