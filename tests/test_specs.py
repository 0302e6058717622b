"""What a reviewer may ask for, and how an address says so."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from audit.errors import UsageError
from audit.specs import Spec

EVERYTHING = Spec(
    scope="any",
    types=("illegal", "insults"),
    levels=("high", "low"),
    order="mixed",
    concept="a weapon & more=?",
    least=0.25,
    low=0.1,
    high=0.9,
    shard="00000-ab",
    words="ein Wort, 猫 & co",
    uid="000/1",
    way="sql",
    given="width < 100 AND caption <> '&=%'",
    collapse=True,
)


@pytest.mark.parametrize(
    "spec",
    [
        Spec(),
        EVERYTHING,
        Spec(way="like", given=str(2**63 - 1)),
        Spec(way="picture", given="ab" * 32),
        Spec(way="near", given="politics"),
        Spec(way="box", given="-1.5,0,2e1,.25"),
        Spec(way="cluster", given="0123456789abcdef"),
        Spec(way="sample", given="0123456789abcdef"),
        Spec(way="rows", given="3,1,2"),
    ],
    ids=lambda spec: spec.way or "plain",
)
def test_what_is_asked_for_survives_an_address(spec: Spec) -> None:
    assert Spec.from_address(parse_qs(spec.address())) == spec


def test_an_address_says_only_what_is_not_as_usual() -> None:
    assert Spec().address() == ""
    assert Spec(types=("illegal", "insults"), low=0.5).address(state="open") == (
        "type=illegal&type=insults&low=0.5&state=open"
    )


def test_a_page_has_its_own_usual() -> None:
    asked = Spec.from_address({"type": ["illegal"], "page": ["3"]}, scope="all", collapse=True)
    assert asked == Spec("all", ("illegal",), collapse=True)
    assert not Spec.from_address({"stack": ["false"]}, collapse=True).collapse


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"type": ["x"]}, "unknown type 'x'; known: politics"),
        ({"order": ["row_id; DROP TABLE x"]}, "unknown order"),
        ({"show": ["queue"]}, "unknown scope"),
        ({"way": ["up"]}, "unknown way 'up'; known: like"),
        ({"low": ["much"]}, "'much' is no number"),
        ({"low": ["nan"]}, "not between 0 and 1"),
        ({"least": ["2"]}, "not between 0 and 1"),
        ({"low": ["0.9"], "high": ["0.1"]}, "is empty; swap"),
        ({"words": ["x" * 2_001]}, "2,001 characters; give 2,000 at most"),
        ({"uid": ["\ud800"]}, "not Unicode text"),
        ({"stack": ["yes"]}, "give true or false"),
        ({"given": ["5"]}, "no way is named"),
        ({"way": ["like"]}, "one row"),
        ({"way": ["like"], "given": ["1,2"]}, "one row"),
        ({"way": ["like"], "given": [str(2**63)]}, "is no row_id"),
        ({"way": ["rows"], "given": ["1,-2"]}, "'-2' is no row_id"),
        ({"way": ["rows"], "given": [","]}, "0 row_ids"),
        ({"way": ["rows"], "given": ["1," * 1_001]}, "give 1 to 1,000"),
        ({"way": ["near"], "given": ["nice"]}, "unknown type 'nice'"),
        ({"way": ["sql"], "given": [" "]}, "give a condition"),
        ({"way": ["box"], "given": ["1,2,3"]}, "four numbers"),
        ({"way": ["box"], "given": ["1,2,inf,4"]}, "four numbers"),
        ({"way": ["box"], "given": ["3,0,1,1"]}, "x0 <= x1"),
        ({"way": ["cluster"], "given": ["../x"]}, "is no id of a cluster"),
        ({"way": ["picture"], "given": ["ab"]}, "is no sha256"),
        ({"way": ["sample"], "given": ["../../x"]}, "is no id of a sample"),
    ],
)
def test_what_there_is_not_is_refused_in_one_line(
    parameters: dict[str, list[str]], line: str
) -> None:
    with pytest.raises(UsageError, match=line) as refused:
        Spec.from_address(parameters)
    assert "\n" not in str(refused.value)
