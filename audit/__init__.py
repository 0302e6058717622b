"""Shardwarden's audit room: what is in a dataset?

Reads WebDataset shards, scores every image with a safety scorer and keeps the results in a
catalog that accounts for every sample. The command is `audit`; `curation` builds on this room.
"""

from __future__ import annotations

__version__ = "0.1.0"
