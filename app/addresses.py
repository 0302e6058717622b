"""What follows `?` in the addresses of our pages.

Streamlit writes what an option of a field shows into the address, so that is how options are
called there; everything else has the names of Spec.address.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from audit.specs import NAMES, Spec

LABELS = {
    "flagged": "Flagged",
    "all": "Everything scored",
    "failed": "Could not be scored",
    "open": "Undecided",
    "decided": "Decided",
    "disagreed": "Disagreed",
    "escalated": "Escalated",
    "mine": "Decided by me",
    "any": "All",
    "uncertain": "Uncertain first",
    "risk": "High risk first",
    "random": "Random",
    "clusters": "Largest groups first",
    "mixed": "Mixed with safe ones",
}
"""Of scopes, states and orders."""

BY = {
    "words": "Words",
    "uid": "Name",
    "like": "Like a sample",
    "picture": "Like a picture",
    "near": "Like confirmed ones",
    "sql": "SQL",
}
"""Ways in on page Search that have a field, called as the way is; the first is the usual one."""

BROUGHT = {
    "cluster": "Near-duplicates",
    "box": "Part of the map",
    "sample": "A random sample",
    "rows": "Chosen ones",
}
"""Ways in that only links lead to; what is given to them is `given` in the address."""


def of_review(spec: Spec) -> str:
    """The page Review."""
    labelled = (NAMES["scope"], NAMES["order"])
    pairs = parse_qsl(spec.address())
    return urlencode([(name, LABELS[v] if name in labelled else v) for name, v in pairs])


def of_search(spec: Spec) -> str:
    """The page Search, which shows everything unless its address says otherwise."""
    by = spec.way or ("uid" if spec.uid else "words")
    pairs = [(NAMES["way"], {**BY, **BROUGHT}[by]), (NAMES["scope"], LABELS[spec.scope])]
    if spec.way:
        pairs.append((spec.way if spec.way in BY else NAMES["given"], spec.given))
    rest = of_review(replace(spec, scope=Spec().scope, way="", given=""))
    return "&".join(filter(None, (urlencode(pairs), rest)))
