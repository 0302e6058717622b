"""Shardwarden's curation room: what do we keep?

    decisions.py   adds to the log of what people decided     exchange.py   to and from other tools
    rules.py       the form of a policy                       policy.py     reads and checks one
    selection.py   scores + decisions + policy -> action and reason; pure
      state.py, arrays.py, duplicates.py                      what it is made of
    gathering.py   reads a catalog for it
    plan.py        counts a selection                         planned.py, picture.py   show it
    cli.py, commands/                                         `curate ...`

It may import `audit`; `audit` never imports it.
"""

from __future__ import annotations
