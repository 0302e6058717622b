"""Decisions of a catalog beside its scores, and thresholds from them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from audit.cli import main
from audit.errors import UsageError
from audit.evaluation.reviewed import reviewed
from audit.parts import Parts
from audit.shards import expand
from audit.taxonomy import SAFE, TYPES
from audit.verdicts import Decision, as_line
from tests.catalogs import write_part, write_tar


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog of 40 scored rows and 2 failed ones."""
    write_tar(tmp_path / "shards/00000.tar", 42, broken=[3, 7])
    folder = tmp_path / "laion.audit"
    for shard in expand([str(tmp_path / "shards")]):
        write_part(folder, shard)
    (folder / "audit.json").write_text("{}")
    return folder


def rows(catalog: Path) -> list[dict[str, object]]:
    parts = Parts(catalog)
    return [row for shard in parts.shard_ids() for row in parts.rows(shard).to_pylist()]


def decide(catalog: Path, decisions: list[dict[str, object]]) -> None:
    folder = catalog / "decisions"
    folder.mkdir(exist_ok=True)
    uids = {row["row_id"]: row["uid"] for row in rows(catalog)}
    lines = []
    for i, said in enumerate(decisions):
        decision = Decision(
            **{  # type: ignore[arg-type]
                "id": f"{i:08x}",
                "uid": uids.get(said["row_id"], "u"),
                "verdict": "relabel",
                "reviewer": "anna",
                "time": f"2026-01-01T00:00:{i % 60:02d}.{i // 60:03d}Z",
                "seconds": 4.0,
                **said,
            }
        )
        lines.append(as_line(decision, ""))
    (folder / "anna.jsonl").write_bytes(b"\n".join(lines) + b"\n")


def test_a_decision_about_another_picture_than_the_row_holds_now_is_no_label(
    catalog: Path,
) -> None:
    scored = [r for r in rows(catalog) if r["status"] == "scored"]
    label = {"type": "illegal", "level": "high"}
    decide(
        catalog,
        [
            {"row_id": scored[0]["row_id"], **label},
            {"row_id": scored[1]["row_id"], "uid": scored[0]["uid"], **label},
        ],
    )
    found = reviewed(catalog)
    assert len(found.true_types) == 1
    assert [u for u in found.unusable if "about another picture" in str(u)]


def test_labels_come_from_decisions_and_scores_from_the_parts(catalog: Path) -> None:
    every = rows(catalog)
    scored = [r for r in every if r["status"] == "scored"]
    failed = next(r for r in every if r["status"] == "failed")
    decide(
        catalog,
        [
            {"row_id": scored[0]["row_id"], "type": "illegal", "level": "high"},
            {"row_id": scored[1]["row_id"], "type": "safe", "level": "none"},
            {"row_id": scored[2]["row_id"], "verdict": "agree", "scorer": "made up"},
            {"row_id": scored[3]["row_id"], "verdict": "agree", "scorer": "another"},
            {"row_id": scored[4]["row_id"], "verdict": "drop"},
            {"row_id": failed["row_id"], "type": "illegal", "level": "high"},
        ],
    )
    found = reviewed(catalog)
    agreed = scored[2]["risk_type"]
    assert found.true_types.tolist() == [1, SAFE, TYPES.index(str(agreed))]
    assert found.types[0, 1] == pytest.approx(scored[0]["p_illegal"])
    assert found.total == 40
    assert np.sort(found.volumes["illegal"]) == pytest.approx(
        sorted(r["p_illegal"] for r in scored)  # type: ignore[type-var]
    )
    assert found.seconds == 4.0
    whys = sorted(u.why for u in found.unusable if "does not follow" not in u.why)
    assert whys == [
        "decided, and not scored",
        "judged by the scores of another scorer; judge it again",
    ]


def test_one_batch_alone(catalog: Path) -> None:
    scored = [r for r in rows(catalog) if r["status"] == "scored"]
    decide(
        catalog,
        [
            {"row_id": r["row_id"], "type": "illegal", "level": "low", "batch": f"{i % 2:08x}"}
            for i, r in enumerate(scored)
        ],
    )
    assert len(reviewed(catalog).true_types) == 40
    assert len(reviewed(catalog, ["00000001"]).true_types) == 20
    with pytest.raises(UsageError, match="no decided row"):
        reviewed(catalog, ["00000002"])


def test_thresholds_of_a_catalog_count_its_volume(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scored = [r for r in rows(catalog) if r["status"] == "scored"]
    decide(
        catalog,
        [{"row_id": r["row_id"], "type": "illegal", "level": "low"} for r in scored[:30]],
    )
    policy = tmp_path / "policy.yaml"
    words = ["thresholds", str(catalog), "--type", "illegal", "--recall", "0.8"]
    code = main([*words, "--write", str(policy), "--json"])
    printed = capsys.readouterr()
    assert code in (0, 3)  # 3: the hand-made chain of the log does not hold, and that is said
    assert "drawn for review at random" in printed.err
    found = json.loads(printed.out)
    picked = found["types"]["illegal"]["picked"]
    at_least = [r for r in scored if r["p_illegal"] >= picked["threshold"]]  # type: ignore[operator]
    assert found["pictures"] == 40
    assert picked["flagged"] == len(at_least)
    assert found["seconds_a_look"] == 4.0
    assert yaml.safe_load(policy.read_text()) == {
        "thresholds": {"types": {"illegal": picked["threshold"]}}
    }


def test_a_policy_takes_what_was_written(tmp_path: Path, root: Path) -> None:
    from audit.evaluation.policyfile import write_thresholds
    from curation.policy import load

    for preset in (None, "balanced", "strict"):
        policy = tmp_path / f"{preset}.yaml"
        if preset:
            policy.write_text((root / f"data/policies/{preset}.yaml").read_text())
        write_thresholds(policy, {"illegal": 0.123456}, "abc")
        assert load(policy).rules.types["illegal"] == 0.123456
        if preset:
            before = (root / f"data/policies/{preset}.yaml").read_text().splitlines()
            said, *after = policy.read_text().splitlines()
            assert said == "# thresholds fitted to the scorer abc"
            assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
