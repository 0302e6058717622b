"""Who somebody is: sign-in by name, by a proxy, by a provider; review.yaml; forged words."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.alone import claimed
from app.desk import Desk
from app.headers import Guard
from app.identity import SignIn, Who, is_near
from app.routes import routes
from app.team import Team, read_team
from audit.errors import UsageError
from audit.finding import mixed
from tests import reviews
from tests.asking import Asked

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit.*")

PEOPLE = {"ann.lee@example.org": "ann", "sub-7": "ben"}


def row(desk: Desk) -> int:
    from audit.reader import Spec

    return int(desk.results.of(Spec(), "any").row_ids[0])


# review.yaml


def written(folder: Path, text: str) -> Team:
    (folder / "review.yaml").write_text(text, encoding="utf-8")
    return read_team(folder)


def test_a_team_that_says_nothing_has_the_defaults(tmp_path: Path) -> None:
    assert read_team(tmp_path) == Team()
    assert written(tmp_path, "# nothing yet\n") == Team()


def test_a_team_says_what_it_wants(tmp_path: Path) -> None:
    team = written(
        tmp_path,
        "second_share: 0.2\ncontested: [illegal]\ndrops: 50\nadjudicators: [cleo]\n"
        "guidelines: |\n  Look twice.\n  *Then* decide.\npeople: {Ann.Lee@Example.org: ann}\n",
    )
    assert (team.second_share, team.contested, team.drops) == (0.2, ("illegal",), 50)
    assert team.guidelines == "Look twice.\n*Then* decide."
    assert team.people == {"ann.lee@example.org": "ann"}
    assert team.settles("cleo")
    assert not team.settles("ann")
    assert Team().settles("ann")
    assert not Team().settles(None)


def test_the_file_in_the_readme_says_the_usual(tmp_path: Path) -> None:
    readme = (reviews.ROOT / "app" / "README.md").read_text(encoding="utf-8")
    team = written(tmp_path, readme.partition("```yaml\n")[2].partition("```")[0])
    assert team == replace(
        Team(), guidelines=team.guidelines, contacts=team.contacts, locked=team.locked
    )
    assert team.guidelines
    assert team.contacts
    assert team.locked


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("second: 1", "line 1: unknown key 'second'"),
        ("second_share: 5", "line 1: second_share: must be a number from 0 to 1, found 5"),
        ("known_share: true", "known_share: must be a number from 0 to 1, found True"),
        ("drops: 0", "drops: must be a whole number from 1 on, found 0"),
        ("contested: [safe]", "contested: unknown value 'safe'"),
        ("adjudicators: [Ann B]", "adjudicators[0]: 'Ann B' is no name"),
        ("guidelines: [a]", "guidelines: must be text, found ['a']; begin it with |"),
        ("people: {a: ann, b: ann}", "people.b: two people with one identity or one name"),
        ("people: {a: Ann}", "people.a: 'Ann' is no name"),
        ("known_share: 0.3\nrepeat_share: 0.3", "are over half of every page"),
        ("- a", "must be a mapping"),
        (f"contacts: '{'x' * 20_001}'", "has 20,001 characters; shorten it to 20,000"),
    ],
)
def test_what_is_wrong_in_it_is_one_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        written(tmp_path, text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_safe_ones_come_as_often_as_the_team_wants() -> None:
    flagged, safe = np.arange(12), np.arange(100, 106)
    assert [*mixed(flagged, safe, 5)[:13]] == [0, 1, 2, 3, 4, 100, 5, 6, 7, 8, 9, 101, 10]
    assert [*mixed(flagged, safe, 1)[:4]] == [0, 100, 1, 101]


# Identities


@pytest.mark.parametrize(
    ("identity", "alias"),
    [
        ("ann", "ann"),
        ("  Ann ", "ann"),
        ("ann.lee@example.org", "ann-lee-example-org-5e4a8a3a"),
        ("", None),
        ("a\nb", None),
        ("x" * 321, None),
    ],
)
def test_an_identity_becomes_one_alias(identity: str, alias: str | None) -> None:
    found = SignIn("proxy").alias(identity)
    if alias is None or len(alias) < 10:
        assert found == alias
    else:
        assert found is not None
        assert found.startswith("ann-lee-example-org-")


def test_identities_that_look_alike_stay_apart() -> None:
    aliases = {SignIn("proxy").alias(text) for text in ("a.b", "a-b", "a b", "a@b", "ä.b")}
    assert len(aliases) == 5


def test_only_the_people_named_get_in() -> None:
    sign_in = SignIn("proxy", people=PEOPLE)
    assert sign_in.alias("Ann.Lee@example.org") == "ann"
    assert sign_in.alias("ann") is None


@pytest.mark.parametrize(
    ("account", "alias"),
    [
        ({"is_logged_in": True, "email": "ann.lee@example.org"}, "ann"),
        ({"is_logged_in": True, "email": "ann.lee@example.org", "email_verified": False}, None),
        ({"is_logged_in": True, "email": "other@example.org", "sub": "sub-7"}, "ben"),
        ({"is_logged_in": False, "email": "ann.lee@example.org"}, None),
        ({"email": "ann.lee@example.org"}, None),
        ({"is_logged_in": True, "email": 7, "sub": None}, None),
        ({}, None),
    ],
)
def test_an_account_of_a_provider(account: dict[str, Any], alias: str | None) -> None:
    assert SignIn("oidc", people=PEOPLE).of_account(account) == alias


def test_a_provider_does_not_let_in_the_world() -> None:
    with pytest.raises(UsageError, match="say who may under `people`"):
        SignIn("oidc")


@pytest.mark.parametrize("header", ["", "X User", "Host", "cookie", "x\r\ny", "_x", "a" * 65])
def test_a_header_that_cannot_name_people_is_refused(header: str) -> None:
    with pytest.raises(UsageError, match="--identity-header"):
        SignIn("proxy", header)


@pytest.mark.parametrize(
    ("client", "near"),
    [(None, True), (("127.0.0.1", 1), True), (("::1", 1), True), (("10.0.0.7", 1), False),
     (("testclient", 1), False)],
)  # fmt: skip
def test_who_is_on_this_machine(client: tuple[str, int] | None, near: bool) -> None:
    assert is_near(client) is near


# A proxy in front


class Proxied(Asked):
    """Asks as a proxy would, from an address."""

    def __init__(self, desk: Desk, client: str = "127.0.0.1", reviewer: str = "ann") -> None:
        super().__init__(desk, reviewer)
        guarded = Starlette(
            routes=routes(desk),
            middleware=[Middleware(Guard, hosts=("127.0.0.1",), sign_in=desk.sign_in)],
        )

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await guarded({**scope, "client": (client, 1)}, receive, send)

        self.app = app  # type: ignore[assignment]


@pytest.fixture
def desk(catalog: Path) -> Desk:
    return Desk(catalog, Who(None, "proxy", "X-User"))


def test_a_proxy_says_who_asks_and_words_of_others_are_refused(desk: Desk) -> None:
    path = f"/audit/item/{row(desk)}"
    ask = Proxied(desk)
    assert ask(path, X_User="ann")[0] == 200
    for headers in ({}, {"X_User": "ben"}, {"X_User": ""}, {"X_Forwarded_User": "ann"}):
        status, found, body = ask(path, **headers)
        assert (status, found["content-type"]) == (403, "application/json")
        assert set(json.loads(body)) == {"error"}


def test_whom_another_machine_names_counts_for_nothing(desk: Desk) -> None:
    path = f"/audit/item/{row(desk)}"
    assert Proxied(desk, "10.0.0.7")(path, X_User="ann")[0] == 403


def test_two_names_at_once_are_nobody(desk: Desk) -> None:
    headers = [(b"x-user", b"ann"), (b"X-User", b"ben")]
    assert desk.sign_in.of_headers(headers) is None
    assert desk.sign_in.of_headers(headers[:1]) == "ann"
    assert desk.sign_in.of_headers([(b"x-user", b"\xff")]) is None


def test_a_name_of_ones_own_is_for_the_local_screen_only(catalog: Path) -> None:
    with pytest.raises(UsageError, match="everybody has their own"):
        Desk(catalog, Who("ann", "proxy"))


# Words that were not given


def test_nothing_that_a_browser_sends_changes_the_name(catalog: Path) -> None:
    desk = Desk(catalog, "ann")
    ask = Asked(desk)
    said = {"id": "0123456789abcdef", "row_id": str(row(desk)), "verdict": "keep"}
    claim, _, signature = ask.token.rpartition(".")
    name, window, until = claim.split(".")
    forged = [f"ben.{window}.{until}.{signature}", f"{name}.{window}.{int(until) + 1}.{signature}"]
    other = Desk(Path(shutil.copytree(catalog, catalog.parent / "other",
                 ignore=shutil.ignore_patterns(".review-key"))), "ben")  # fmt: skip
    forged.append(other.tokens.mint("ben"))  # of another catalog's secret
    for token in forged:
        assert ask("/audit/decisions", {"decisions": [said]}, x_audit_token=token)[0] == 403
    assert ask("/audit/decisions", {"decisions": [{**said, "reviewer": "ben"}]})[0] == 400
    assert ask("/audit/decisions", {"decisions": [said], "reviewer": "ben"})[0] == 400
    sent = {"decisions": [said]}
    assert ask("/audit/decisions", sent, X_Forwarded_User="ben", cookie="reviewer=ben")[0] == 200
    assert [line["reviewer"] for line in reviews.log(catalog)] == ["ann"]
    assert reviews.log(catalog, "ben") == []


def test_the_word_of_a_card_says_why_it_was_given_only_to_the_server(catalog: Path) -> None:
    tokens = Desk(catalog, "ann").tokens
    words = {tokens.given("ann", 7, purpose): purpose for purpose in (None, "second", "known")}
    assert len(words) == 3
    assert {len(word) for word in words} == {32}
    for word, purpose in words.items():
        assert tokens.purpose_of(word, "ann", 7) == purpose
        assert tokens.purpose_of(word, "ben", 7) is None
        assert tokens.purpose_of(word, "ann", 8) is None
    assert tokens.purpose_of("é", "ann", 7) is None


def test_why_a_row_was_given_is_the_servers_to_say(catalog: Path) -> None:
    desk = Desk(catalog, "ann")
    ask = Asked(desk, "cleo")
    about = {"row_id": str(row(desk)), "verdict": "keep"}
    for number, extra in enumerate(
        ({"given": desk.tokens.given("cleo", row(desk), "known")}, {"given": "made up"}, {})
    ):
        said = {"id": f"{number:016x}", **about, **extra}
        assert ask("/audit/decisions", {"decisions": [said]})[0] == 200
    lines = reviews.log(catalog, "cleo")
    assert [(line["purpose"], line["blind"]) for line in lines] == [
        ("known", False), (None, False), (None, False)
    ]  # fmt: skip
    for extra in ({"purpose": "known"}, {"blind": True}, {"given": 7}):
        said = {"id": "00000000000000ff", **about, **extra}
        assert ask("/audit/decisions", {"decisions": [said]})[0] == 400


@pytest.mark.parametrize("body", [{}, {"done": 1}, {"done": True, "who": "ben"}, [], None, "x"])
def test_leaving_is_said_in_one_way(catalog: Path, body: Any) -> None:
    ask = Asked(Desk(catalog, "ann"))
    assert ask("/audit/leave", body, method="POST")[0] == 400
    assert ask("/audit/leave", {"done": False})[0] == 200


def test_who_is_here_is_nobodys_business(catalog: Path) -> None:
    status, headers, _ = Asked(Desk(catalog, "ann"))("/_stcore/metrics")
    assert (status, headers["content-type"]) == (404, "application/json")


@pytest.mark.parametrize(
    ("headers", "closed"),
    [
        ({"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"}, False),
        ({"host": "127.0.0.1:8501"}, False),
        ({"host": "review.example", "origin": "https://Review.Example"}, False),
        ({"host": "127.0.0.1:8501", "origin": "http://evil.example"}, True),
        ({"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:9000"}, True),
        ({"host": "127.0.0.1:8501", "origin": "null"}, True),
        ({"host": "evil.example", "origin": "http://evil.example"}, True),
    ],
)
def test_a_web_socket_is_opened_by_our_own_page_only(headers: dict[str, str], closed: bool) -> None:
    passed: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    async def nothing(*_: Any) -> None:
        return None

    scope = {
        "type": "websocket", "path": "/_stcore/stream", "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    asyncio.run(Guard(app, ("127.0.0.1", "review.example"))(scope, nothing, nothing))
    assert passed == ([] if closed else ["websocket"])


# Several servers, and how one begins


def test_a_second_server_of_a_catalog_is_told(catalog: Path, tmp_path: Path) -> None:
    with claimed(catalog) as first, claimed(catalog) as second:
        assert (first, second) == (True, False)
    with claimed(catalog) as again:
        assert again
    with claimed(tmp_path / "not there") as unknown:
        assert unknown


def test_the_screen_starts_without_torch(catalog: Path) -> None:
    script = (
        "import sys, importlib, pkgutil, app.serve, app.desk, app.routes, app.views\n"
        "for each in pkgutil.iter_modules(app.views.__path__, 'app.views.'):\n"
        "    importlib.import_module(each.name)\n"
        "print([name for name in ('torch', 'webdataset', 'timm') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=reviews.ROOT,
        timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--host", "0.0.0.0"], "not a loopback address"),
        (["--host", "0.0.0.0", "--sign-in", "proxy"], "not a loopback address"),
        (["--host", "localhost.example"], "not an address"),
        (["--socket", "x.sock"], "is for --sign-in proxy"),
        (["--sign-in", "proxy", "--reviewer", "ann"], "everybody has their own"),
        (["--sign-in", "oidc"], "--sign-in oidc"),
    ],
)
def test_a_way_in_that_would_let_others_in_is_refused(
    catalog: Path, options: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from audit.cli import main

    assert main(["review", str(catalog), "--port", "0", *options]) == 2
    error = capsys.readouterr().err
    assert problem in error.splitlines()[-1]
