"""What becomes of every row, and why: scores, decisions and a policy in, action and reason out.

Pure, and by columns: millions of rows at a time. What goes before what:

1. a tombstone                       quarantine   tombstone
2. held back by a list of hashes     quarantine   quarantined:hash
3. no scores, or a required one not  quarantine   unscored, unscored:fairness, unscored:caption
4. a person's quarantine, also of another copy of the same bytes          human:quarantine
5. a person's keep, drop or escalation; reviewers who disagree            human:keep, disagreement
6. a person's drop of another copy of the same bytes                      human:drop of a copy
7. duplicates, of rows that would be kept or reviewed                     duplicate of SHARD/KEY
8. the rules, the strictest action first                                  illegal>=0.62, size<64

A label that a person gave (agree, relabel) takes the place of the picture's scores in the rules,
and what would be reviewed because of them is then what the policy calls `confirmed`. Rules on the
caption, on text in the picture and on both together no longer ask for a review then; when they
drop, they still do. While reviewers disagree a row waits for review; it is quarantined when one
of them said so.

Letters in shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit import duplicates
from audit.outcomes import Outcome
from audit.taxonomy import LEVELS, SAFE, TYPES
from curation import arrays
from curation.alike import Alike
from curation.arrays import Floats, Ints, Mask, Small, pc
from curation.rules import ACTIONS, RISKY_LEVELS, RISKY_TYPES, Policy, Rules
from curation.state import DISPUTED, State

_KEEP, _REVIEW, _DROP, _QUARANTINE = map(ACTIONS.index, ("keep", "review", "drop", "quarantine"))


def columns_of(policy: Policy) -> tuple[str, ...]:
    """The columns of `samples` that `select` needs, besides policy.concepts and policy.extras."""
    caption = ("caption",) if "caption" in policy.required else ()
    return (
        "row_id", "uid", "shard", "key", "size", "width", "height", "sha256", "phash", "status",
        "risk_type", "risk_level", "risk", *(f"p_{name}" for name in TYPES),
        *(f"p_level_{level}" for level in range(len(LEVELS))),
        "caption_risk", "caption_type", "image_text_risk", "pair", *caption,
    )  # fmt: skip


def select(
    rows: pa.Table,
    policy: Policy,
    outcomes: Mapping[int, Outcome] | None = None,
    *,
    shards: Mapping[str, Sequence[str]] | None = None,
    tombstoned: Mask | None = None,
    alike: Alike | None = None,
) -> pa.Table:
    """What becomes of each row: a table of state.SCHEMA, in the order of the rows.

    rows        `columns_of(policy)` and a column `concept:<name>` or `extra:<name>` for each of
                policy.concepts and policy.extras, as Catalog.columns gives them
    outcomes    by row_id, of rows in the table or not
    shards      shard id -> further names that a pattern of policy.sources may fit
    tombstoned  [N] True: must never be part of anything again
    alike       the copies among the rows, where they are known from an earlier selection
    """
    alike = alike or Alike(rows)
    with ThreadPoolExecutor(1) as beside:
        looks = beside.submit(alike.known, policy.duplicates)
        state = State(rows, policy, outcomes or {})
        for rules, mask in _by_rules(rows, policy, shards or {}):
            _apply(state, rules, mask)
        looks.result()
    state.unspoken()
    _people(state)
    _held_back(state, tombstoned, alike)
    if policy.duplicates.exact != "keep" or policy.duplicates.near != "keep":
        _copies(state, alike)
    return state.table()


def _by_rules(
    rows: pa.Table, policy: Policy, names: Mapping[str, Sequence[str]]
) -> list[tuple[Rules, Mask]]:
    """Rows by the rules that hold for their shard."""
    if not policy.sources:
        return [(policy.rules, np.ones(len(rows), bool))]
    ids: list[str] = pc.unique(rows["shard"]).to_pylist()
    of_shard = [policy.rules_for((name, *names.get(name, ()))) for name in ids]
    code = arrays.indices(rows["shard"], ids)
    found: list[tuple[Rules, Mask]] = []
    for rules in (policy.rules, *(rules for _, rules in policy.sources)):
        mine = np.array([one is rules for one in of_shard], bool)
        if mine.any():
            found.append((rules, mine[code]))
    return found


def _apply(state: State, rules: Rules, here: Mask) -> None:
    """Let every rule speak about the rows of `here`."""
    confirmed = ACTIONS.index(state.policy.confirmed)
    _types(state, rules, here & ~state.labelled)
    _labels(state, rules, here & state.labelled, confirmed)
    for title, named in (("concept", rules.concepts), ("extra", rules.extras)):
        for name, rule in named.items():
            action = ACTIONS.index(rule.action)
            reached = here & _reaches(state.floats(f"{title}:{name}"), rule.threshold)
            reason = f"{title}:{name}>={rule.threshold:g}"
            state.speak(reached & ~state.labelled, action, reason)
            agreed = reached & state.labelled & ~state.relabelled
            if title == "concept":
                agreed[list(state.seen)] = False
            state.speak(agreed, confirmed if action == _REVIEW else action, reason)
            if title == "concept":
                named_by = np.zeros(state.count, bool)
                named_by[[at for at, seen in state.seen.items() if name in seen]] = True
                then = confirmed if action == _REVIEW else action
                state.speak(named_by & here, then, f"human:{name}")
    risk = state.floats("caption_risk")
    for kind, rule in rules.captions.items():
        reached = here & state.equal("caption_type", kind) & _reaches(risk, rule.threshold)
        _ask(state, reached, rule.action, f"caption:{kind}>={rule.threshold:g}")
    if rules.image_text is not None:
        reached = here & _reaches(state.floats("image_text_risk"), rules.image_text.threshold)
        _ask(state, reached, rules.image_text.action, f"image_text>={rules.image_text.threshold:g}")
    for pair, then_ in rules.pairs.items():
        _ask(state, here & state.equal("pair", pair), then_, f"pair:{pair}")
    if rules.min_side > 1:
        sides = np.minimum(state.floats("width"), state.floats("height"))
        too_small = here & (sides < rules.min_side)
        state.speak(too_small, ACTIONS.index(rules.too_small), f"size<{rules.min_side}")


def _ask(state: State, reached: Mask, action: str, reason: str) -> None:
    """A rule about words: whoever labelled the row has read them."""
    if action == "review":
        reached = reached & ~state.labelled
    state.speak(reached, ACTIONS.index(action), reason)


def _types(state: State, rules: Rules, here: Mask) -> None:
    """The grid for rows that nobody labelled; sets their type and level."""
    best = np.full(state.count, -1, np.float32)  # probability of the type that names the row
    strictest = np.full(state.count, -1, np.int8)
    because = np.full(state.count, -1, np.float32)  # probability of the type that decides
    for index, name in enumerate(RISKY_TYPES):
        p, threshold = state.p[index], rules.types[name]
        reached = here & _reaches(p, threshold)
        likelier = reached & (p > best)
        best[likelier], state.type[likelier] = p[likelier], index
        state.level[likelier] = state.scored_level[likelier]
        action = _cells(rules, name)[state.scored_level]
        decides = (action > strictest) | ((action == strictest) & (p > because))
        decides &= reached
        strictest[decides], because[decides] = action[decides], p[decides]
        for each in np.flatnonzero(np.bincount(action[decides])).tolist():
            state.settle(decides & (action == each), each, f"{name}>={threshold:g}")
    if rules.uncertain is not None:
        rule = rules.uncertain
        unsure = here & (best < 0) & _reaches(state.floats("risk"), rule.threshold)
        state.speak(unsure, ACTIONS.index(rule.action), f"risk>={rule.threshold:g}")
        state.type[unsure] = state.level[unsure] = -1


def _labels(state: State, rules: Rules, here: Mask, confirmed: int) -> None:
    """The grid for rows that a person labelled."""
    for index, name in enumerate(RISKY_TYPES):
        cells = _cells(rules, name)
        for level in np.unique(state.level[here & (state.type == index)]).tolist():
            action = confirmed if cells[level] == _REVIEW else int(cells[level])
            mask = here & (state.type == index) & (state.level == level)
            state.speak(mask, action, f"human:{name}/{LEVELS[level] if level >= 0 else 'unknown'}")
    state.speak(here & (state.type == SAFE), _KEEP, "human:safe")


def _cells(rules: Rules, name: str) -> Small:
    """[4 + 1] actions of a type by level; the last, for an unknown level, is the strictest."""
    cells = [ACTIONS.index(rules.grid[name][level]) for level in RISKY_LEVELS]
    return np.array([_KEEP, *cells, max(cells)], np.int8)


def _people(state: State) -> None:
    """What people said about the row itself."""
    for name, action in (("keep", _KEEP), ("drop", _DROP), ("escalate", _REVIEW)):
        state.settle(state.verdict(name), action, f"human:{name}")
    state.settle(state.verdict("disagreement"), _REVIEW, "disagreement")
    state.settle(state.verdict(DISPUTED), _QUARANTINE, DISPUTED)


def _held_back(state: State, tombstoned: Mask | None, alike: Alike) -> None:
    """What nobody's verdict can bring back, the strongest last."""
    for name, action, about in (
        ("drop", _DROP, state.said < 0),
        ("quarantine", _QUARANTINE, np.ones(state.count, bool)),
    ):
        said = state.verdict(name)
        if said.any():
            state.settle(alike.same(said) & ~said & about, action, f"human:{name} of a copy")
        state.settle(said, action, f"human:{name}")
    for name in state.policy.required:
        if name == "caption":
            missing = arrays.has_text(state.rows, "caption") & np.isnan(
                state.floats("caption_risk")
            )
        else:
            missing = np.isnan(state.p[TYPES.index(name)])
        state.settle(missing, _QUARANTINE, f"unscored:{name}")
        state.type[missing & ~state.labelled] = state.level[missing & ~state.labelled] = -1
    unscored = ~state.equal("status", "scored") | np.isnan(state.p).all(axis=0)
    state.settle(unscored, _QUARANTINE, "unscored")
    state.settle(state.equal("status", "quarantined"), _QUARANTINE, "quarantined:hash")
    state.type[unscored & ~state.labelled] = state.level[unscored & ~state.labelled] = -1
    if tombstoned is not None:
        state.settle(tombstoned, _QUARANTINE, "tombstone")


def _copies(state: State, alike: Alike) -> None:
    """All copies but one, of rows that would be kept or reviewed."""
    said = state.policy.duplicates
    kept = state.verdict("keep")
    left = state.action <= _REVIEW
    place = alike.order(said)
    if said.exact != "keep":
        at = np.flatnonzero(left & alike.exact)
        copy_of = duplicates.exact(alike.codes[at], _rank(state, place, at))
        left[at[copy_of >= 0]] = False
        _told(state, at, copy_of, kept, said.exact, "duplicate")
    if said.near != "keep":
        near = alike.near(said.distance)
        at = np.flatnonzero(left & near.found)
        rank = _rank(state, place, at)
        copy_of = duplicates.near_among(near.value_of[at], near.pairs, rank)
        _told(state, at, copy_of, kept, said.near, "near-duplicate")


def _told(state: State, at: Ints, copy_of: Ints, kept: Mask, action: str, what: str) -> None:
    """Say of each copy of which row it is one; a row that a person keeps stays."""
    copies = at[copy_of >= 0]
    of = at[copy_of[copy_of >= 0]]
    copies, of = copies[~kept[copies]], of[~kept[copies]]
    state.copy_of[copies] = of
    named = np.zeros(state.count, bool)
    named[of] = True
    firsts = state.rows.select(["shard", "key"]).filter(pa.array(named)).combine_chunks()
    reasons = pc.binary_join_element_wise(
        f"{what} of ", firsts["shard"], "/", firsts["key"], "",
        null_handling="replace", null_replacement="None",
    ).combine_chunks()  # fmt: skip
    before = len(state.reasons) + sum(map(len, state.copies))
    state.reason[copies] = before - 1 + np.cumsum(named)[of]
    state.copies.append(reasons)
    state.action[copies] = ACTIONS.index(action)


def _rank(state: State, place: npt.NDArray[np.int32], at: Ints) -> Ints:
    """[len(at)] which of the rows stays first: one that a person keeps, one that a person
    labelled, the one least acted upon, the largest picture, the largest file, the first by name.

    place    [N] as Alike.order gives it
    """
    unkept, unlabelled = ~state.verdict("keep")[at], ~state.labelled[at]
    people = 2 * unkept.astype(np.int64) + unlabelled
    return ((people * len(ACTIONS) + state.action[at]) << 32) | place[at]


def _reaches(values: Floats, threshold: float) -> Mask:
    """[N] where a score is known and not below a threshold; both as float32."""
    with np.errstate(invalid="ignore"):
        reached: Mask = values >= np.float32(threshold)
    return reached
