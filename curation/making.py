"""A catalog and a policy -> an export: what `curate export` does, in the order in which it does it.

select -> gates -> compose -> write. Each step is a module of its own; this one only hands over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from audit.errors import ShardwardenError
from audit.header import read as read_header
from audit.steps import Show
from curation.estimate import catalog_hash, estimate
from curation.export import Exported, Options, export
from curation.gathering import Gathered, gather
from curation.guard import forbidden
from curation.manifest import Origin
from curation.mixture import COLUMNS, Composition, CompositionOptions, compose
from curation.places import check_place
from curation.plan import Plan, other_scorer, plan, selection


class GatesBroken(ShardwardenError):
    """Gates of the policy are not met; nothing was written."""

    exit_code = 4


def make(
    catalog_dir: Path,
    policy: str | Path,
    out: Path,
    composing: CompositionOptions,
    writing: Options,
    show: Show,
    *,
    gate: bool = False,
    tell: Callable[[str], None] | None = None,
) -> tuple[Exported, Composition]:
    """Export a catalog.

    policy   name of a preset, or path of a file
    gate     raise GatesBroken where the policy's gates are not met
    tell     takes a note on what to know before believing the result
    raises   as curation.export.export; UsageError for a policy that is wrong
    """
    check_place(out, overwrite=writing.overwrite)  # before any work, and again before writing
    show(0, None, "reading the catalog")
    gathered = gather(catalog_dir, policy, columns=COLUMNS)
    show(0, None, f"selecting of {len(gathered.rows):,} images")
    if tell is not None and (note := other_scorer(gathered)):
        tell(note)
    selected = selection(gathered)
    drawn = plan(gathered, catalog_dir.resolve().name, selected=selected, knobs=False)
    if gate and drawn.broken:
        raise GatesBroken(
            f"{drawn.policy}: gates are not met, so nothing was written: {'; '.join(drawn.broken)}"
        )
    show(0, None, "composing")
    composition = compose(gathered, selected, gathered.policy, composing)
    origin = _origin(catalog_dir, gathered, drawn, composition, composing)
    held = forbidden(gathered.rows, gathered.outcomes, gathered.tombstoned)
    done = export(composition.records, out, origin, held, writing, show)
    return done, composition


def _origin(
    catalog_dir: Path,
    gathered: Gathered,
    drawn: Plan,
    composition: Composition,
    options: CompositionOptions,
) -> Origin:
    name = catalog_dir.resolve().name
    policy = gathered.policy
    residual = estimate(catalog_dir, gathered)
    header = read_header(catalog_dir)
    said = asdict(options)
    said["templates"] = Path(said["templates"]).name  # a path is of one machine only
    return Origin(
        name=f"{name.removesuffix('.audit')}-stage-{options.stage}",
        stage=options.stage,
        seed=options.seed,
        catalog={
            "name": name,
            "sha256": catalog_hash(catalog_dir),
            "images": len(gathered.rows),
            "shards": len(gathered.shards),
        },
        scorer={"name": header.get("scorer", {}).get("name", ""), "fingerprint": gathered.scorer},
        taxonomy=header.get("taxonomy", {}).get("hash", ""),
        policy={"name": policy.name, "hash": policy.hash},
        decisions=dict(sorted(gathered.log.heads.items())),
        options=said,
        selection=drawn.reasons,
        composition=composition.report.as_json(),
        residual=None if residual is None else residual.to_json(),
    )
