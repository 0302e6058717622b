"""Policies, estimates and exports on the screen, without a browser: what they say and store."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.desk import Desk, open_desk
from app.drafting import begin
from app.exporting import Wish, place
from app.jobs import Job
from app.policies import Policies
from app.views import export, policy
from app.visit import visit
from audit.catalog import Catalog
from audit.errors import UsageError
from audit.verdicts import read_log
from curation import sampling
from curation.decisions import Decisions, decide
from curation.estimate import estimate
from curation.gathering import gather
from curation.mixture import CompositionOptions
from curation.places import is_export
from curation.plan import Plan, plan
from curation.policy import load
from tests import reviews
from tests.asking import Asked
from tests.pages import drawn, tables, texts

# Made-up scores are risky, and every drawn picture is much like the next.
MILD = """based_on: permissive
thresholds: {types: {illegal: 0.4, insults: 0.4, privacy: 0.4}}
duplicates: {exact: keep}
required: []
size: {min_side: 1, action: keep}
gates: {max_share: null, min_kept_share: null}
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return reviews.write(tmp_path)


@pytest.fixture
def mild(tmp_path: Path) -> Path:
    path = tmp_path / "mild.yaml"
    path.write_text(MILD)
    return path


@pytest.fixture
def desk(catalog: Path, mild: Path) -> Desk:
    return open_desk(Desk(catalog, "ann", str(mild)))


def actions(of: Plan) -> dict[str, str]:
    return {name: f"{v.images:,}" for name, v in of.actions.items()}


def slider(at: AppTest, name: str) -> Any:
    return next(one for one in at.slider if one.label == name)


def press(at: AppTest, name: str) -> AppTest:
    next(button for button in at.button if button.label == name).click().run()
    assert not at.exception, at.exception
    return at


def test_a_threshold_moved_shows_what_the_command_would_say(desk: Desk, tmp_path: Path) -> None:
    at = drawn("policy")
    saved = plan(gather(desk.catalog, desk.policy), "c")
    assert dict(tables(at)["What becomes of them"]) == {
        name: n for name, n in actions(saved).items() if n != "0"
    }
    slider(at, "illegal").set_value(0.2).run()
    other = tmp_path / "other.yaml"
    other.write_text(MILD.replace("illegal: 0.4", "illegal: 0.2"))
    wanted = plan(gather(desk.catalog, other), "c")
    assert actions(wanted) != actions(saved)
    for name, was, now, change in tables(at)["What becomes of them"]:
        assert (was, now) == (actions(saved)[name], actions(wanted)[name])
        assert int(change) == int(now) - int(was)
    assert f"Keeps {wanted.kept:,} of" in at.subheader[0].value
    moved = sum(
        int(row[2]) for title, rows in tables(at).items() if "moves" in title for row in rows
    )
    changed = sum(abs(int(row[3])) for row in tables(at)["What becomes of them"])
    assert moved * 2 >= changed > 0


def test_what_is_saved_is_what_was_on_the_page_and_nothing_else(desk: Desk, mild: Path) -> None:
    mild.write_text("# ours\n" + MILD)
    at = drawn("policy")
    slider(at, "privacy").set_value(0.33).run()
    at.segmented_control(key="part").set_value("Types and levels").run()
    next(box for box in at.selectbox if box.label == "fairness, high").set_value("drop").run()
    at.segmented_control(key="part").set_value("Thresholds").run()
    assert slider(at, "privacy").value == 0.33
    press(at, "Save")
    assert "Saved: mild.yaml." in texts(at)
    written = "# ours\n" + MILD.replace("privacy: 0.4", "privacy: 0.33")
    assert mild.read_text().startswith(written)
    rules = load(mild).rules
    assert (rules.types["illegal"], rules.types["privacy"]) == (0.4, 0.33)
    assert rules.grid["fairness"]["high"] == "drop"
    assert "As it is saved." in texts(at)


def test_a_policy_that_somebody_else_changed_is_not_overwritten(desk: Desk, mild: Path) -> None:
    at = drawn("policy")
    slider(at, "privacy").set_value(0.33).run()
    mild.write_text(MILD.replace("insults: 0.4", "insults: 0.9"))
    press(at, "Save")
    assert "Not saved: mild.yaml: was changed by somebody else meanwhile" in texts(at)
    assert "0.33" not in mild.read_text()
    press(at, "Discard changes")
    assert "changed by somebody else" not in texts(at)
    assert (slider(at, "privacy").value, slider(at, "insults").value) == (0.4, 0.9)


def test_what_is_no_policy_says_why_and_cannot_be_saved(desk: Desk, mild: Path) -> None:
    at = drawn("policy")
    at.segmented_control(key="part").set_value("Types and levels").run()
    next(box for box in at.selectbox if box.label == "illegal, low").set_value("drop").run()
    assert "So it is no policy: mild.yaml" in texts(at)
    assert "which is looser than 'drop' of low" in texts(at)
    press(at, "Save")
    assert "Not saved" in texts(at)
    assert mild.read_text() == MILD


def test_a_preset_is_kept_under_a_name_of_ones_own_and_put_in_force(desk: Desk) -> None:
    at = drawn("policy")
    at.selectbox[0].set_value("balanced").run()
    slider(at, "illegal").set_value(0.9).run()
    assert next(b for b in at.button if b.label == "Save").disabled
    at.text_input(key="policy new name").set_value("own")
    form = [button for button in at.button if button.label == "Save"][-1]
    form.click().run()
    path = desk.catalog / "policies" / "own.yaml"
    assert load(path).rules.types["illegal"] == 0.9
    assert path.read_text().startswith("based_on: balanced\n")
    before = desk.policies.hash()
    press(at, "Put in force")
    assert desk.policies.in_force == "own.yaml"
    assert desk.policies.hash() == load(path).hash != before
    assert "--policy tars.audit/policies/own.yaml" in texts(at)


@pytest.mark.parametrize("name", ["", "../own", "a/b", "Own", "balanced", ".own", "x" * 65])
def test_a_policy_gets_no_name_that_is_a_path_or_a_preset(desk: Desk, name: str) -> None:
    with pytest.raises(UsageError, match="a name is a-z"):
        desk.policies.save_as(name, "balanced", {})
    assert not (desk.catalog / "policies").exists()


@pytest.mark.parametrize(("reviewer", "team"), [(None, ""), ("ben", "adjudicators: [ann]\n")])
def test_who_may_not_settle_may_look_and_change_nothing(
    catalog: Path, mild: Path, reviewer: str | None, team: str
) -> None:
    (catalog / "review.yaml").write_text(team)
    open_desk(Desk(catalog, reviewer, str(mild)))
    at = drawn("policy")
    slider(at, "illegal").set_value(0.2).run()
    assert all(b.disabled for b in at.button if b.label in ("Save", "Put in force"))
    here = visit()
    page = begin(here.desk.policies, "mild.yaml")
    page.put(("thresholds", "types", "illegal"), 0.2)
    policy._save(here, page)  # a browser may send what its page does not offer
    policy._put_in_force(here, page)
    export._export(here, Wish("x", "mild.yaml", 1, ("wds",)))
    assert mild.read_text() == MILD
    assert here.desk.policies.in_force == "mild.yaml"
    assert not here.desk.jobs.all()
    assert next(b for b in drawn("export").button if b.label == "Export").disabled
    assert next(b for b in drawn("estimate").button if b.label == "Draw").disabled is (
        reviewer is None
    )


def test_decisions_name_the_policy_that_is_in_force(desk: Desk, catalog: Path) -> None:
    row = int(desk.now().ids(_any())[0])
    ask = Asked(desk)
    for number, name in enumerate(("mild.yaml", "strict")):
        desk.policies.put_in_force(name)
        entry = {"id": f"{number:08x}", "row_id": str(row), "verdict": "drop"}
        assert ask("/audit/decisions", {"decisions": [entry]})[0] == 200
    hashes = [decision.policy for decision in read_log(catalog).decisions]
    assert hashes == [load(catalog.parent / "mild.yaml").hash, load("strict").hash]


def test_a_wrong_policy_is_refused_before_anything_is_served(catalog: Path, mild: Path) -> None:
    mild.write_text("grid: {illegal: burn}\n")
    with pytest.raises(UsageError, match=r"mild\.yaml"):
        open_desk(Desk(catalog, "ann", str(mild)))
    with pytest.raises(UsageError, match="no such policy"):
        open_desk(Desk(catalog, "ann", str(mild.with_name("none.yaml"))))


def test_a_policy_in_force_whose_file_has_gone_is_told_on_every_page(desk: Desk) -> None:
    desk.policies.save_as("own", "permissive", {})
    desk.policies.put_in_force("own.yaml")
    (desk.catalog / "policies" / "own.yaml").unlink()
    assert desk.policies.hash() is None
    for page in ("policy", "estimate", "export"):
        assert "own.yaml: there is no such policy any more; choose one" in texts(drawn(page))


def test_two_files_of_one_name_are_told_apart(catalog: Path, mild: Path) -> None:
    (catalog / "policies").mkdir()
    (catalog / "policies" / "mild.yaml").write_text("based_on: strict\n")
    found = Policies(catalog, tuple, str(mild))
    other = f"{mild.parent.name}/mild.yaml"
    assert found.names()[:2] == sorted(["mild.yaml", other])
    assert found.in_force == other
    assert found.reference(other) == mild


def test_decisions_and_a_new_catalog_change_what_is_shown(desk: Desk, catalog: Path) -> None:
    before = desk.planning.outlook("mild.yaml")
    assert desk.planning.outlook("mild.yaml") is before
    kept = int(desk.now().ids(_any())[0])
    Decisions(catalog).append([decide(kept, _uid(catalog, kept), "drop", "ann")])
    after = desk.planning.outlook("mild.yaml")
    wanted = plan(gather(catalog, desk.policy), "tars.audit", knobs=False)
    assert after.plan == wanted
    assert after.plan.actions["drop"].images == before.plan.actions["drop"].images + 1


def test_what_takes_long_says_how_far_it_is_and_is_done_once(desk: Desk) -> None:
    said: list[tuple[int, int | None, str]] = []

    def show(*one: Any) -> None:
        said.append(one)

    def words() -> list[str]:
        found = [word for word, _ in itertools.groupby(word for *_, word in said)]
        said.clear()
        return found

    options = CompositionOptions(stage=1)
    desk.planning.outlook("mild.yaml", show=show)
    read = [one for one in said if one[2] == "columns read"]
    assert [done for done, *_ in read] == list(range(len(read)))
    assert {of for _, of, _ in read} == {len(read)}
    assert words() == ["columns read", "applying the policy, looking for copies"]
    found = desk.planning.contents("mild.yaml", options, show)
    assert words() == ["columns read", "choosing"]  # one column more, and no second selection
    desk.planning.outlook("mild.yaml", show=show)
    assert desk.planning.contents("mild.yaml", options, show) is found
    assert not said


def test_a_sample_is_drawn_and_read_as_the_command_does(desk: Desk, catalog: Path) -> None:
    at = drawn("estimate")
    assert "No sample yet" in at.subheader[0].value
    to_draw(at).set_value(20)
    press(at, "Draw")
    (sample,) = sampling.read(catalog)
    assert len(sample.rows) == 20
    assert "Drawn: 20 of" in texts(at)
    assert "0 of 20 drawn images decided" in at.subheader[0].value
    said = [
        decide(row, _uid(catalog, row), "drop" if n % 4 == 0 else "keep", "ann")
        for n, row in enumerate(sample.rows[:12])
    ]
    Decisions(catalog).append(said)
    at.run()
    found = estimate(catalog, gather(catalog, desk.policy))
    assert found is not None
    assert found.sampled.reviewed == 12
    assert found.sentence in texts(at)
    assert "12 of 20 drawn images decided" in at.subheader[0].value
    assert f"about {found.needed:,} more random reviews" in texts(at)
    kept = next(row for row in tables(at)["By type"] if row[0] == "risky, when drawn")
    assert kept[1:4] == [f"{found.sampled.images:,}", "12", "3"]


def to_draw(at: AppTest) -> Any:
    return next(one for one in at.number_input if one.label.startswith("Images to draw"))


def test_no_more_is_proposed_than_there_is_to_draw(desk: Desk, catalog: Path) -> None:
    kept = plan(gather(catalog, desk.policy), "c", knobs=False).kept
    at = drawn("estimate")
    count = to_draw(at)
    assert (count.label, count.value, count.max) == (f"Images to draw, of {kept}", kept, kept)
    count.set_value(kept - 10)
    press(at, "Draw")
    count = to_draw(at)
    assert (count.label, count.value) == ("Images to draw, of 10", 10)
    press(at, "Draw more")
    assert at.radio[0].options == ["Begin afresh"]
    press(at, "Draw")
    assert "Not drawn: all of it was drawn before" in texts(at)
    assert [len(sample.rows) for sample in sampling.read(catalog)] == [kept - 10, 10]
    large = MILD.replace("min_side: 1, action: keep", "min_side: 100000, action: drop")
    (catalog / "policies").mkdir()
    (catalog / "policies" / "large.yaml").write_text(large)
    desk.policies.put_in_force("large.yaml")
    at = drawn("estimate")
    assert "nothing to draw from: the policy keeps no image" in texts(at)
    assert "Draw" not in {button.label for button in at.button}


def test_an_export_is_the_commands_and_its_check_too(desk: Desk, catalog: Path) -> None:
    at = drawn("export")
    expected = int(at.subheader[0].value.split()[0].replace(",", ""))
    press(at, "Export")
    job = _ended(desk)
    assert job.good, (job.result, list(job.said))
    out = catalog.parent / "tars-stage-1"
    assert is_export(out)
    assert job.result["counts"]["images"] == expected
    at.run()
    assert "Exported tars-stage-1" in texts(at)
    assert "An export of this name is there" in texts(at)
    assert next(b for b in at.button if b.label == "Export").disabled
    press(at, "Check it")
    assert _ended(desk).kind == "check"
    at.run()
    assert "things looked at" in texts(at)


def test_an_export_that_is_cancelled_leaves_nothing(desk: Desk, catalog: Path) -> None:
    at = drawn("export")
    press(at, "Export")
    with pytest.raises(UsageError, match="export of tars-stage-1 is running; wait for it"):
        desk.jobs.start("check", "x", ["check", "x"])
    (job,) = desk.jobs.all()
    job.cancel()
    assert _ended(desk).cancelled
    assert not list(catalog.parent.glob("tars-stage-1*"))
    at.run()
    assert "was cancelled; nothing of it is left" in texts(at)


def test_what_the_command_refuses_is_one_line_on_the_page(desk: Desk, catalog: Path) -> None:
    at = drawn("export")
    at.text_input(key="export caps").set_value("nothing=3").run()
    assert "cap nothing=3: give TYPE=N" in texts(at)
    assert next(b for b in at.button if b.label == "Export").disabled
    desk.jobs.start("export", "x", ["export", str(catalog), "--stage", "1", "--out", "/"])
    assert not _ended(desk).good
    at = drawn("export")
    assert "export of x failed: " in texts(at)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/tmp/x", "a/b", "-x", "x.partial", "a b"])
def test_an_export_has_a_name_and_no_path(catalog: Path, name: str) -> None:
    with pytest.raises(UsageError, match="a name is letters"):
        place(catalog, name)
    wish = Wish(name, "balanced", 1, ("wds",))
    with pytest.raises(UsageError, match="a name is letters"):
        wish.arguments(catalog, "balanced")


def test_everything_that_was_chosen_reaches_the_command(catalog: Path) -> None:
    wish = Wish(
        "out", "mild.yaml", 2, ("llava", "openai"), 7, None, 30, "types=5 privacy/high=2",
        "cells=1", 0.25, 0.5, True, True, False, 10,
    )  # fmt: skip
    given = wish.arguments(catalog, catalog.parent / "mild.yaml")
    assert given[0] == "export"
    assert Path(given[given.index("--out") + 1]) == catalog.parent.resolve() / "out"
    pairs = dict(itertools.pairwise(given))
    assert (pairs["--stage"], pairs["--seed"], pairs["--target"]) == ("2", "7", "30")
    assert (pairs["--format"], pairs["--val"]) == ("llava,openai", "0.25")
    assert {"--cap=types=5", "--cap=privacy/high=2", "--floor=cells=1"} <= set(given)
    assert {"--redacted", "--hints"} <= set(given)
    assert not {"--gate", "--clean", "--overwrite"} & set(given)


def _any() -> Any:
    from audit.reader import Spec

    return Spec("all")


def _uid(catalog: Path, row_id: int) -> str:
    with Catalog(catalog) as opened:
        table = opened.columns(["row_id", "uid"]).to_pydict()
    return str(table["uid"][table["row_id"].index(row_id)])


def _ended(desk: Desk) -> Job:
    """The latest job, when it has ended."""
    job = desk.jobs.all()[0]
    until = time.monotonic() + 60
    while job.running:
        assert time.monotonic() < until, job.progress
        time.sleep(0.05)
    return job
