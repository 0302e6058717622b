"""What a policy would do with the catalog, kept ready: one change of it takes one selection.

The columns that selection needs are read once for each published catalog and then stay in memory,
about 500 MB a million rows; whoever opens the pages Policy, Estimate or Export first waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from app.policies import Policies
from audit.latest import Latest
from audit.reader import Reader, Signature
from audit.steps import Show
from audit.taxonomy import Taxonomy
from audit.verdicts import FOLDER as DECISIONS
from audit.verdicts import Log, read_log
from curation import arrays, sampling
from curation.choosing import choose
from curation.composed import Cell, cells
from curation.drafts import Content
from curation.estimate import Estimate, catalog_hash, estimate, pilot
from curation.gathering import Gathered, Source, fitted
from curation.mixture import CompositionOptions
from curation.plan import Plan, plan, selection
from curation.policy import DEFAULT
from curation.rules import ACTIONS
from curation.tombstones import NAME as TOMBSTONES

KEPT = 12  # of each kind
_PATIENCE = 10.0  # a reading of the log stays good for so many times as long as it took
Actions = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Contents:
    """What an export would hold.

    images    taken; risky, clean: of these
    cells     risky types and levels: how many passed the policy, how many are taken
    left_out  reason -> images that the policy keeps and that are not taken
    """

    images: int
    risky: int
    clean: int
    cells: tuple[Cell, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What a policy would do with the catalog as it is now.

    action    [N] index in ACTIONS
    seconds   it took to work out
    """

    plan: Plan
    action: Actions
    seconds: float


class Planning:
    """May be shared by threads: they wait for each other, as all of it is one processor's work."""

    def __init__(self, catalog: Path, reader: Reader, policy: str = DEFAULT) -> None:
        """Nothing is read but the policy in force; raises as app.policies.Policies."""
        self._catalog = catalog
        self._reader = reader
        self._lock = threading.RLock()
        self._source: tuple[Signature, Source] | None = None
        self._log: tuple[Any, Log, float] | None = None
        self._selected: tuple[Any, pa.Table] | None = None
        self._outlooks: Latest[Any, Outlook] = Latest(KEPT)
        self._estimates: Latest[Any, tuple[Estimate | None]] = Latest(KEPT)
        self._contents: Latest[Any, Contents] = Latest(KEPT)
        self.policies = Policies(catalog, self.concepts, policy)

    def concepts(self) -> Collection[str]:
        """Names of concepts that the catalog has scores of."""
        with self._lock:
            return self._opened().concepts

    def known_concepts(self) -> Collection[str]:
        """Those and the taxonomy's: what a rule may name."""
        return {*self.concepts(), *(concept.name for concept in Taxonomy.load().concepts)}

    def outlook(
        self, name: str, changed: Content | None = None, show: Show | None = None
    ) -> Outlook:
        """What a policy would do, with changes laid over it.

        show     is told what is going on where it takes time
        raises   UsageError for a policy that is wrong
        """
        rules = self.policies.read(name, changed)
        with self._lock:
            gathered, mark = self._gathered(name, changed, show=show)
            key = (mark, rules.hash, name)
            found = self._outlooks.get(key)
            if found is None:
                began = time.monotonic()
                selected = self._selection(gathered, mark, show)
                drawn = plan(gathered, self._called, selected=selected, knobs=False)
                action = arrays.indices(selected["action"], ACTIONS)
                found = Outlook(drawn, action.astype(np.int8), time.monotonic() - began)
                self._outlooks.put(key, found)
            return found

    def plan(self, name: str, changed: Content | None = None) -> Plan:
        """The whole plan, what other thresholds would change among it."""
        with self._lock:
            gathered, _ = self._gathered(name, changed)
            return plan(gathered, self._called)

    def contents(
        self, name: str, options: CompositionOptions, show: Show | None = None
    ) -> Contents:
        """What an export under a policy would hold; raises as curation.choosing.choose.

        show     as in `outlook`
        """
        with self._lock:
            gathered, mark = self._gathered(name, columns=("image_member",), show=show)
            key = (mark, gathered.policy.hash, repr(options))
            found = self._contents.get(key)
            if found is None:
                selected = self._selection(gathered, mark, show)
                if show is not None:
                    show(0, None, "choosing")
                found = _contents(gathered, selected, options)
                self._contents.put(key, found)
            return found

    def estimate(self, name: str, *, whole: bool, half_width: float) -> Estimate | None:
        """What the samples of a policy say; None where none was drawn, or none judged."""
        with self._lock:
            gathered, mark = self._gathered(name)
            samples = tuple(sorted(p.name for p in self._samples.glob("*.json")))
            key = (mark, gathered.policy.hash, samples, whole, half_width)
            found = self._estimates.get(key)
            if found is None:
                found = (estimate(self._catalog, gathered, whole=whole, half_width=half_width),)
                self._estimates.put(key, found)
            return found[0]

    def draw(
        self, name: str, count: int, seed: int, *, whole: bool, neyman: bool, afresh: bool
    ) -> sampling.Sample:
        """Draw a sample and record it; raises as curation.sampling.draw."""
        with self._lock:
            gathered, _ = self._gathered(name)
            shares = pilot(self._catalog, gathered, whole=whole) if neyman else None
            return sampling.draw(
                self._catalog, gathered, catalog_hash(self._catalog), count, seed,
                whole=whole, neyman=shares, afresh=afresh,
            )  # fmt: skip

    def samples(
        self, name: str, *, whole: bool, show: Show | None = None
    ) -> tuple[sampling.Sample, ...]:
        """Those that count now for a policy, in the order in which they were drawn.

        show     as in `outlook`
        """
        with self._lock:
            gathered, _ = self._gathered(name, show=show)
            now = sampling.frame_of(gathered, catalog_hash(self._catalog), whole=whole)
            return sampling.matching(sampling.read(self._catalog), now)

    @property
    def _called(self) -> str:
        return self._catalog.resolve().name

    @property
    def _samples(self) -> Path:
        return self._catalog / sampling.FOLDER

    def _gathered(
        self,
        name: str,
        changed: Content | None = None,
        columns: Sequence[str] = (),
        show: Show | None = None,
    ) -> tuple[Gathered, Any]:
        """What selection takes, and a mark that changes with all of it but the policy."""
        source = self._opened()
        signature = self._source[0] if self._source else None
        log, log_mark = self._logged()
        rules = self.policies.read(name, changed)
        reference = self.policies.reference(name)
        gathered = source.gathered(rules, columns, log, fitted(reference), show)
        return gathered, (signature, log_mark, _stamp(self._catalog / TOMBSTONES))

    def _selection(self, gathered: Gathered, mark: Any, show: Show | None) -> pa.Table:
        """What becomes of each row; kept for the next who asks for the same."""
        key = (mark, gathered.policy.hash)
        if self._selected is None or self._selected[0] != key:
            if show is not None:
                show(0, None, "applying the policy, looking for copies")
            self._selected = None  # its memory is free before the next is made
            self._selected = key, selection(gathered)
        return self._selected[1]

    def _opened(self) -> Source:
        """The catalog as it is published now."""
        now = self._reader.now()
        if self._source is None or self._source[0] != now.signature:
            if self._source is not None:
                self._source[1].close()
            source = Source(self._catalog, concepts=now.score_names()[0])
            self._source, self._selected = (now.signature, source), None
        return self._source[1]

    def _logged(self) -> tuple[Log, Any]:
        """The decisions, and a mark that changes with them; a little old where there are many."""
        files = sorted((self._catalog / DECISIONS).glob("*.jsonl"))
        mark = tuple((path.name, _stamp(path)) for path in files)
        kept = self._log
        if kept is not None and (kept[0] == mark or time.monotonic() < kept[2]):
            return kept[1], kept[0]
        began = time.monotonic()
        log = read_log(self._catalog)
        took = time.monotonic() - began
        self._log = mark, log, began + took * (1 + _PATIENCE)
        return log, mark


def _contents(gathered: Gathered, selected: pa.Table, options: CompositionOptions) -> Contents:
    choice = choose(
        gathered.rows, selected, options.bounds, seed=options.seed, stage=options.stage,
        clean=options.clean, target=options.target, redacted=options.redacted,
    )  # fmt: skip
    return Contents(
        int(choice.taken.sum()),
        int((choice.taken & choice.risky).sum()),
        int((choice.taken & choice.clean).sum()),
        cells(selected, choice, options.bounds),
        choice.left_out,
    )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None
