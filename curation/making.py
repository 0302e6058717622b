"""A catalog and a policy -> an export: what `curate export` does, in the order in which it does it.

select -> gates -> compose -> write. Each step is a module of its own; this one only hands over.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audit.catalog import Catalog
from audit.header import read as read_header
from audit.steps import Show
from audit.taxonomy import Taxonomy
from curation.export import Exported, Options, check_place, export
from curation.gathering import Gathered, gather
from curation.guard import forbidden
from curation.manifest import Origin
from curation.mixture import COLUMNS, Composition, CompositionOptions, compose
from curation.plan import Plan, plan
from curation.selection import select


class GatesBroken(Exception):
    """A gate of the policy is not met, and nothing was written; `gates` says which, in words."""

    def __init__(self, policy: str, gates: tuple[str, ...]) -> None:
        super().__init__(f"{len(gates)} gates of {policy} are not met")
        self.gates = gates


def make(
    catalog_dir: Path,
    policy: str | Path,
    out: Path,
    composing: CompositionOptions,
    writing: Options,
    show: Show,
    *,
    gate: bool = False,
) -> tuple[Exported, Composition]:
    """Export a catalog.

    policy   name of a preset, or path of a file
    gate     raise GatesBroken where the policy's gates are not met
    raises   as curation.export.export; UsageError for a policy that is wrong
    """
    check_place(out, overwrite=writing.overwrite)  # before any work, and again before writing
    show(0, None, "reading the catalog")
    gathered = gather(catalog_dir, policy, columns=COLUMNS)
    show(0, None, f"selecting of {len(gathered.rows):,} images")
    drawn = plan(gathered, catalog_dir.resolve().name)
    if gate and drawn.broken:
        raise GatesBroken(drawn.policy, drawn.broken)
    selection = select(gathered.rows, gathered.policy, gathered.outcomes, shards=gathered.shards)
    show(0, None, "composing")
    composition = compose(gathered, selection, gathered.policy, composing)
    origin = _origin(catalog_dir, gathered, drawn, composition, composing)
    held = forbidden(gathered.rows, gathered.outcomes)
    return export(composition.records, out, origin, held, writing, show), composition


def _origin(
    catalog_dir: Path,
    gathered: Gathered,
    drawn: Plan,
    composition: Composition,
    options: CompositionOptions,
) -> Origin:
    name = catalog_dir.resolve().name
    with Catalog(catalog_dir) as catalog:
        books: list[Any] = catalog.shards().to_pylist()
    parts = "".join(f"{book['shard']} {book['part_sha256']}\n" for book in books)
    policy = gathered.policy
    header = read_header(catalog_dir)
    said = asdict(options)
    said["templates"] = Path(said["templates"]).name  # a path is of one machine only
    return Origin(
        name=f"{name.removesuffix('.audit')}-stage-{options.stage}",
        stage=options.stage,
        seed=options.seed,
        catalog={
            "name": name,
            "sha256": hashlib.sha256(parts.encode()).hexdigest(),
            "images": len(gathered.rows),
            "shards": len(books),
        },
        scorer={"name": header.get("scorer", {}).get("name", ""), "fingerprint": gathered.scorer},
        taxonomy=Taxonomy.load().hash,
        policy={"name": policy.name, "hash": policy.hash},
        decisions=dict(sorted(gathered.log.heads.items())),
        options=said,
        selection=drawn.reasons,
        composition=asdict(composition.report),
        residual=None,
    )
