"""Samples of what is kept, and what the decisions about them say of the risk that is left."""

from __future__ import annotations

import csv
import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.building import index
from audit.catalog import Catalog
from audit.errors import UsageError
from curation import sampling
from curation.cli import main
from curation.decisions import Decisions, adjudicate, decide
from curation.estimate import Estimate, catalog_hash, estimate, percent, pilot
from curation.gathering import Gathered, gather
from curation.sampling import Sample
from curation.strata import AS_SAFE, FLOOR, stratify
from tests.catalogs import write_catalog

POLICY = """
thresholds:
  types: {politics: 0.4, illegal: 0.4, insults: 0.4, fairness: 0.4, privacy: 0.4, misleading: 0.4}
  concepts: null
  captions: null
  image_text: null
concepts: null
captions: null
image_text: null
uncertain: keep
size: {min_side: 1, action: drop}
duplicates: {near: null}
gates: {max_share: null, min_kept_share: null, max_unscored_share: null}
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of 357 scored images."""
    directory, _ = write_catalog(tmp_path_factory.mktemp("estimate"), shards=3, samples=120)
    (directory / "policy.yaml").write_text(POLICY)
    index(directory)
    return directory


@pytest.fixture
def made(original: Path, tmp_path: Path) -> Path:
    """A copy of it that nobody has decided about."""
    return Path(shutil.copytree(original, tmp_path / "c.audit"))


def gathered(made: Path) -> Gathered:
    columns = ("image_member", "offset", "caption")
    return gather(made, made / "policy.yaml", columns=columns)


def drawn(made: Path, count: int, seed: int = 0, **rest: bool) -> Sample:
    return sampling.draw(made, gathered(made), catalog_hash(made), count, seed, **rest)


def say(
    made: Path, rows: Iterable[int], verdict: str = "relabel", who: str = "ana", **rest: object
) -> None:
    if verdict == "relabel" and not rest:
        rest = {"type": "safe", "level": "none"}
    table = gathered(made).rows
    uids = dict(zip(table["row_id"].to_pylist(), table["uid"].to_pylist(), strict=True))
    Decisions(made).append([decide(row, uids[row], verdict, who, **rest) for row in rows])


def found(made: Path, **rest: float | bool) -> Estimate:
    result = estimate(made, gathered(made), **rest)  # type: ignore[arg-type]
    assert result is not None
    return result


def kept(made: Path) -> set[int]:
    now = gathered(made)
    inside = sampling.population(now, None).inside
    return set(now.rows["row_id"].to_numpy()[inside].tolist())


def test_a_sample_is_of_what_is_kept_and_says_how_it_was_drawn(made: Path) -> None:
    sample = drawn(made, 120)
    assert len(set(sample.rows)) == 120
    assert set(sample.rows) <= kept(made)
    assert sum(s.population for s in sample.strata) == len(kept(made))
    assert sample.frame.policy == gathered(made).policy.hash
    path = made / "samples" / f"{sample.id}.json"
    assert json.loads(path.read_text())["seed"] == 0
    assert path.stat().st_mode & 0o222 == 0
    counts = np.bincount(sample.stratum, minlength=len(sample.strata))
    assert all(n >= min(FLOOR, s.population) for n, s in zip(counts, sample.strata, strict=True))


def test_strata_are_of_one_type_and_level_and_of_a_band_of_risk(made: Path) -> None:
    now = gathered(made)
    inside = sampling.population(now, None)
    strata, code = stratify(now.rows, inside, 40)
    risk = now.rows["risk"].to_numpy()
    assert 3 < len(strata) <= 40
    assert ((code >= 0) == inside.inside).all()
    for n, stratum in enumerate(strata):
        own = code == n
        assert own.sum() == stratum.population
        assert len(set(inside.type[own])) == 1
        assert (risk[own].min(), risk[own].max()) == (stratum.low, stratum.high)
    assert len(stratify(now.rows, inside, 1)[0]) == 1


def test_the_same_arguments_draw_the_same_and_another_seed_adds(made: Path) -> None:
    one = drawn(made, 60)
    assert drawn(made, 60) == one
    with pytest.raises(UsageError, match=r"seed 0 has drawn 60 .* another seed"):
        drawn(made, 61)
    two = drawn(made, 60, seed=1)
    assert two.adds_to == (one.id,)
    assert not set(one.rows) & set(two.rows)
    assert two.strata == one.strata
    rest = drawn(made, 10_000, seed=2)
    assert set(one.rows) | set(two.rows) | set(rest.rows) == kept(made)


def test_every_beginning_of_a_sample_has_its_share_of_every_stratum(made: Path) -> None:
    sample = drawn(made, 200)
    for until in (50, 100, 150):
        for n in range(len(sample.strata)):
            share = sample.stratum.count(n) * until / 200
            assert abs(sample.stratum[:until].count(n) - share) <= 2


def test_a_changed_sample_is_refused(made: Path) -> None:
    sample = drawn(made, 60)
    path = made / "samples" / f"{sample.id}.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(UsageError, match="was changed since it was drawn"):
        sampling.read(made)


def test_when_everything_is_reviewed_the_estimate_is_the_truth(made: Path) -> None:
    sample = drawn(made, 10_000)
    risky = sample.rows[::9]
    say(made, sample.rows)
    say(made, risky, type="politics", level="low")
    result = found(made)
    truth = len(risky) / len(sample.rows)
    assert result.sampled.share == result.sampled.low == result.sampled.high == pytest.approx(truth)
    politics = {f.name: f.share for f in result.types}
    assert politics["politics"] == pytest.approx(truth)
    assert politics["illegal"] == 0
    assert result.needed == 0
    # `balanced` keeps politics of level low with a hint, so all of it is still there ...
    assert result.kept.share == pytest.approx(truth)
    # ... but none of it is kept as safe any more.
    assert result.as_safe is not None
    assert result.as_safe.share == result.as_safe.high == 0


def test_what_was_found_and_dropped_is_no_longer_left(made: Path) -> None:
    sample = drawn(made, 150)
    say(made, sample.rows)
    before = found(made)
    say(made, sample.rows[:6], type="illegal", level="high")
    after = found(made)
    assert before.sampled.risky == 0
    assert after.sampled.risky == 6
    assert after.left == 6
    assert after.kept.images == before.kept.images - 6
    total = after.sampled.high * after.sampled.images
    assert after.kept.high == pytest.approx((total - 6) / after.kept.images)
    assert after.kept.share < after.sampled.share


def test_of_an_unfinished_sample_the_beginning_counts(made: Path) -> None:
    sample = drawn(made, 100)
    assert estimate(made, gathered(made)) is None
    say(made, sample.rows[:40])
    say(made, sample.rows[60:])
    result = found(made)
    assert (result.sampled.reviewed, result.waiting, result.unordered) == (40, 20, 40)
    say(made, sample.rows[40:60])
    result = found(made)
    assert (result.sampled.reviewed, result.waiting, result.unordered) == (100, 0, 0)


def test_what_is_not_settled_counts_at_the_upper_end(made: Path) -> None:
    sample = drawn(made, 150)
    say(made, sample.rows)
    clear = found(made)
    say(made, sample.rows[:1], "escalate")
    say(made, sample.rows[1:2], who="ben", type="illegal", level="high")
    result = found(made)
    assert (result.sampled.risky, result.sampled.unclear) == (0, 2)
    assert result.sampled.low == 0
    assert result.sampled.high > clear.sampled.high
    assert "2 that reviewers left open" in result.sentence
    types = {f.name: f.unclear for f in result.types}
    assert (types["illegal"], types["politics"]) == (2, 1)


def test_reviewers_who_only_differ_about_the_type_agree_that_it_is_risky(made: Path) -> None:
    sample = drawn(made, 60)
    say(made, sample.rows)
    say(made, sample.rows[:1], type="illegal", level="high")
    say(made, sample.rows[:1], who="ben", type="privacy", level="high")
    assert (found(made).sampled.risky, found(made).sampled.unclear) == (1, 0)


@pytest.mark.parametrize(
    ("verdict", "risky", "unclear"),
    [("drop", 1, 0), ("quarantine", 1, 0), ("keep", 0, 0), ("escalate", 0, 1)],
)
def test_what_a_verdict_without_a_label_says(
    made: Path, verdict: str, risky: int, unclear: int
) -> None:
    sample = drawn(made, 60)
    safe = [n for n, s in enumerate(sample.strata) if s.type in AS_SAFE]
    row = next(r for r, s in zip(sample.rows, sample.stratum, strict=True) if s in safe)
    say(made, [r for r in sample.rows if r != row])
    say(made, [row], verdict)
    assert (found(made).sampled.risky, found(made).sampled.unclear) == (risky, unclear)


def test_agreement_is_with_the_rows_own_type(made: Path) -> None:
    sample = drawn(made, 60)
    now = gathered(made)
    say(made, sample.rows, "agree", scorer=now.scorer)
    own = dict(zip(now.rows["row_id"].to_pylist(), now.rows["risk_type"].to_pylist(), strict=True))
    assert found(made).sampled.risky == sum(own[row] != "safe" for row in sample.rows)


def test_nothing_found_is_said_with_the_bound_that_holds(made: Path) -> None:
    sample = drawn(made, 120)
    say(made, sample.rows)
    result = found(made)
    assert result.at_most is not None
    assert result.at_most < result.sampled.high
    assert f"at most {percent(result.at_most)} % are" in result.sentence


def test_what_joins_what_is_kept_and_nobody_saw_widens_the_interval(made: Path) -> None:
    sample = drawn(made, 150)
    say(made, sample.rows)
    before = found(made)
    out = set(gathered(made).rows["row_id"].to_pylist()) - kept(made)
    scored = sampling.population(gathered(made), None, whole=True).inside
    out &= set(gathered(made).rows["row_id"].to_numpy()[scored].tolist())
    came = sorted(out)[:5]
    say(made, came[:4], "keep")
    say(made, came[4:])
    after = found(made)
    assert after.came == 5
    # Those kept without a label may be what the scorer says; the one labelled safe is not.
    assert after.kept.high * after.kept.images == pytest.approx(
        before.kept.high * before.kept.images + 4
    )


def test_a_sample_drawn_afresh_is_of_what_is_kept_by_then(made: Path) -> None:
    one = drawn(made, 60)
    say(made, one.rows[:10], type="illegal", level="high")
    two = drawn(made, 60, seed=1, afresh=True)
    assert two.adds_to == ()
    assert not set(one.rows[:10]) & set(two.rows)
    say(made, two.rows)
    assert found(made).samples == (two.id,)
    assert found(made).left == 0


def test_a_sample_is_of_this_catalog_and_policy_wherever_it_lies(made: Path) -> None:
    say(made, drawn(made, 60).rows)
    before = found(made).to_json()
    moved = made.rename(made.with_name("moved.audit"))
    assert found(moved).to_json() == before
    (moved / "policy.yaml").write_text(POLICY.replace("illegal: 0.4", "illegal: 0.5"))
    assert estimate(moved, gathered(moved)) is None


def test_what_a_takedown_names_is_neither_drawn_nor_waited_for(made: Path) -> None:
    sample = drawn(made, 100)
    say(made, sample.rows[5:])
    named = gathered(made).rows["row_id"].to_numpy()
    left = sorted(kept(made) - set(sample.rows))
    gone = np.isin(named, [*sample.rows[:5], *left[:20]])
    now = replace(gathered(made), tombstoned=gone)
    result = estimate(made, now)
    assert result is not None
    assert (result.waiting, result.sampled.unclear, result.left) == (0, 5, 25)
    assert result.kept.images == sum(s.population for s in sample.strata) - 25
    more = sampling.draw(made, now, catalog_hash(made), 10_000, 1)
    assert set(more.rows) == set(left[20:])


def test_of_everything_counts_what_the_policy_does_not_keep_too(made: Path) -> None:
    sample = drawn(made, 10_000, whole=True)
    assert len(sample.rows) == 357 > len(kept(made))
    say(made, sample.rows)
    assert found(made, whole=True).kept.images == 357
    assert estimate(made, gathered(made)) is None


def test_neyman_draws_where_images_differ(made: Path) -> None:
    sample = drawn(made, 100)
    worst = max(range(len(sample.strata)), key=lambda n: sample.strata[n].population)
    said = list(zip(sample.rows, sample.stratum, strict=True))
    say(made, [row for row, s in said if s != worst])
    mixed = [row for row, s in said if s == worst]
    say(made, mixed[::2])
    say(made, mixed[1::2], type="politics", level="low")
    shares = pilot(made, gathered(made))
    assert shares is not None
    assert max(shares) == shares[worst]
    args = (made, gathered(made), catalog_hash(made), 60, 5)
    more = sampling.draw(*args, neyman=shares)
    even = sample.strata[worst].population / sum(s.population for s in sample.strata)
    both = more.stratum.count(worst) + sample.stratum.count(worst)
    assert both > even * 160 + 3


def test_kappa_is_over_those_whom_several_judged(made: Path) -> None:
    sample = drawn(made, 60)
    say(made, sample.rows)
    assert found(made).kappa is None
    say(made, sample.rows[:4], type="illegal", level="high")
    say(made, sample.rows[:3], who="ben", type="illegal", level="low")
    say(made, sample.rows[3:20], who="ben")
    result = found(made)
    assert (result.double, result.reviewers) == (20, 2)
    observed, risky = 19 / 20, 7 / 40
    chance = risky**2 + (1 - risky) ** 2
    assert result.kappa == pytest.approx((observed - chance) / (1 - chance))
    outcome = gathered(made).outcomes[sample.rows[3]]
    ruling = adjudicate(outcome, "relabel", "eva", type="safe", level="none")
    Decisions(made).append([ruling])
    assert found(made).kappa == result.kappa
    assert found(made).sampled.unclear == 0


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (0.0041, "0.41"), (0.00000042, "0.0000"), (0.0079, "0.79"), (0.123, "12"),
     (0.05, "5.0"), (1, "100"), (0.00001, "0.0010")],
)  # fmt: skip
def test_shares_are_shown_in_percent(share: float, text: str) -> None:
    assert percent(share) == text


def run(*args: object) -> int:
    return main([str(arg) for arg in args])


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: capsys.readouterr().out


def test_a_form_that_was_filled_in_gives_the_estimate(
    made: Path, tmp_path: Path, answer: Callable[[], str]
) -> None:
    form, policy = tmp_path / "s.csv", ("--policy", made / "policy.yaml")
    assert run("estimate", made, *policy, "--draw", 80, "--out", form) == 0
    assert "80 of" in answer()
    with form.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with Catalog(made) as catalog:
        found = catalog.columns(("row_id", "caption")).to_pylist()
    captions = {str(row["row_id"]): row["caption"] or "" for row in found}
    assert [row["caption"].removeprefix("'") for row in rows] == [
        captions[row["row_id"]].removeprefix("'") for row in rows
    ]
    for n, row in enumerate(rows):
        row |= {"verdict": "relabel", "type": "safe" if n else "misleading"}
    with form.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert run("decisions", made, "import", form, "--reviewer", "ana") == 0
    answer()
    assert run("estimate", made, *policy, "--json") == 0
    record = json.loads(answer())
    assert record["sampled"]["reviewed"] == 80
    assert record["sampled"]["risky"] == 1
    assert record["sentence"].startswith(f"Of {record['kept']['images']:,} images kept, ")
    assert run("estimate", made, *policy) == 0
    shown = answer()
    assert record["sentence"] in shown
    assert "more random reviews" in shown


def test_estimates_are_drawn_and_written(
    made: Path, tmp_path: Path, answer: Callable[[], str]
) -> None:
    policy = ("--policy", made / "policy.yaml")
    say(made, drawn(made, 80).rows)
    for name in ("e.svg", "e.json", "e.html"):
        assert run("estimate", made, *policy, "--out", tmp_path / name) == 0
    root = ET.fromstring((tmp_path / "e.svg").read_text())
    texts = {"".join(element.itertext()).strip() for element in root.iter()}
    assert {"kept now", "type: illegal"} <= texts
    sentence = json.loads((tmp_path / "e.json").read_text())["sentence"]
    assert sentence in (tmp_path / "e.html").read_text()
    answer()


def test_samples_say_where_the_bytes_are(made: Path, tmp_path: Path) -> None:
    policy = ("--policy", made / "policy.yaml", "--draw", 50)
    assert run("estimate", made, *policy, "--out", tmp_path / "s.jsonl") == 0
    assert run("estimate", made, *policy, "--out", tmp_path / "s.parquet") == 0
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    table: pa.Table = pq.read_table(tmp_path / "s.parquet")
    assert table.to_pylist() == lines
    assert all(line["offset"] > 0 and line["size"] > 0 for line in lines)
    assert not any("risk" in name or name.startswith("p_") for name in table.column_names)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--out", "s.csv"), "name it .svg, .json or .html"),
        (("--draw", "5", "--out", "s.svg"), "name it .csv, .jsonl or .parquet"),
        (("--neyman",), "--neyman or --afresh, not both, goes with --draw only"),
        (("--draw", "5", "--neyman"), "--neyman needs decisions about images drawn before"),
        (("--draw", "5", "--seed", "-1"), "--seed -1: give 0 or more"),
        ((), "no image drawn for this policy is decided"),
    ],
)
def test_wrong_usage_is_one_line(
    made: Path, args: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("estimate", made, "--policy", made / "policy.yaml", *args) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
