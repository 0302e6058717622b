"""Shardwarden's curation room: what do we keep?

Empty so far. It will hold the log of human decisions, the policy grid of risk type by level,
the selection that joins both with an audit catalog's scores, residual-risk estimates, and the
export of curated shards with their manifests. It may import `audit`; `audit` never imports it.
"""

from __future__ import annotations
