"""Shardwarden's curation room: what do we keep?

    decisions.py   adds to the log of what people decided     exchange.py   to and from other tools
    rules.py       the form of a policy                       policy.py     reads and checks one
    selection.py   scores + decisions + policy -> action and reason; pure
      state.py, arrays.py, alike.py                           what it is made of
    gathering.py   reads a catalog for it                     drafts.py     a policy being edited
    plan.py        counts a selection                         planned.py, picture.py   show it
    records.py     one record of an export                    export.py     writes them:
      images.py      bytes by range, checked                    dialects.py   json and jsonl lines
      shards_out.py  tars and sidecars                          hints.py      of type and level
      guard.py       what must never be written                 manifest.py   counts, lineage
      cards.py, croissant.py                                    what the export is
    making.py      catalog + policy -> export: select, compose, write
    cli.py, commands/                                         `curate ...`

It may import `audit`; `audit` never imports it.
"""

from __future__ import annotations
