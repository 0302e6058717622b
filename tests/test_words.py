"""Word lists: what is found however it is written, and what is left in peace."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from audit.errors import UsageError
from audit.lookalikes import readable
from audit.words import WordLists, load_words

BAD = "frumple"  # stands for any listed word


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> WordLists:
    folder = tmp_path_factory.mktemp("words")
    (folder / "README.md").write_text("not a list", encoding="utf-8")
    (folder / "en").write_text(
        "# a comment\nfrumple\tinsults\nass\ngross toad\nzig zag zog\n", encoding="utf-8"
    )
    (folder / "sv.txt").write_text("hård\n", encoding="utf-8")
    (folder / "ru").write_text("плохослов\n", encoding="utf-8")
    (folder / "zh").write_text("坏词\n", encoding="utf-8")
    (folder / "ja").write_text("ダメ\n", encoding="utf-8")
    (folder / "ko").write_text("나쁜말\n", encoding="utf-8")
    (folder / "hi").write_text("बुराशब्द\n", encoding="utf-8")
    return load_words(folder)


@pytest.mark.parametrize(
    "text",
    [
        "such a frumple",
        "FRUMPLE!",
        "ｆｒｕｍｐｌｅ",
        "𝒻𝓇𝓊𝓂𝓅𝓁𝑒",
        "🅵🆁🆄🅼🅿🅻🅴",
        "ⓕⓡⓤⓜⓟⓛⓔ",
        "frum\u200bple",
        "fr\u00adumple",
        "frümple",
        "f̷r̴u̵m̶p̸l̷e̴",
        "frumрle",  # Cyrillic er
        "frυmple",  # Greek upsilon
        "frumpl3",
        "frump1e",
        "frumpl€",
        "fruuuumple",
        "frummmmpleeee",
        "fr*mple",
        "f.r.u.m.p.l.e",
        "f r u m p l e",
        "what f-r-u-m-p-l-e that is",
        "fru.mple",
        "fr|_|mple frumple",
    ],
)
def test_a_listed_word_is_found_however_it_is_written(lists: WordLists, text: str) -> None:
    assert [hit.entry.word for hit in lists.find(text)] == [BAD]


@pytest.mark.parametrize(
    "text",
    [
        "frumples and unfrumpled",
        "a class of assassins passes the grass",
        "gross old toad",
        "hard winter",  # Swedish hård is another word
        "as soon as",
        "flight U.S.A.F. 12 leaves at 5",
        "ダメージ",  # a longer word
        "room 455, $5",
        "",
        "1111 2222",
    ],
)
def test_a_word_inside_another_is_left_in_peace(lists: WordLists, text: str) -> None:
    assert lists.find(text) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("en hård natt", "hård"),
        ("это плохослов!", "плохослов"),
        ("это ПЛОХОСЛОВ", "плохослов"),
        ("这是坏词吗", "坏词"),
        ("ダメ。", "ダメ"),
        ("나쁜말이다", "나쁜말"),
        ("यह बुराशब्द है", "बुराशब्द"),
        ("you gross toad", "gross toad"),
        ("you gr0ss toad", "gross toad"),
        ("ZIG zag  zog", "zig zag zog"),
    ],
)
def test_other_alphabets_and_phrases_are_found(lists: WordLists, text: str, word: str) -> None:
    assert [hit.entry.word for hit in lists.find(text)] == [word]


def test_a_hit_says_whether_it_was_disguised_and_its_type(lists: WordLists) -> None:
    plain, disguised = lists.find("frumple")[0], lists.find("fr_umpl3 frumpl3")[0]
    assert (plain.disguised, disguised.disguised) == (False, True)
    assert plain.entry.type == "insults"


def test_languages_can_be_chosen() -> None:
    chosen = load_words(languages=("en", "de"))
    assert chosen.languages == ("de", "en")
    with pytest.raises(UsageError, match="no word list for xx; there are lists for ar, "):
        load_words(languages=("xx",))


def test_a_wrong_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        load_words(tmp_path / "absent")
    with pytest.raises(UsageError, match="no word list"):
        load_words(tmp_path)
    (tmp_path / "en.txt").write_text("word\tnonsense\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"en.txt:1: unknown type 'nonsense'; known: politics"):
        load_words(tmp_path)
    (tmp_path / "en.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        load_words(tmp_path)


def test_text_for_the_encoder_keeps_its_language_and_loses_its_tricks() -> None:
    assert readable("Москва ночью") == "Москва ночью"
    assert readable("a рhoto of b.o.m.b.s") == "a photo of bombs"
    assert readable("RT @someone: see https://example.org/x &amp; <b>laugh</b>") == "see & laugh"
    assert readable(" \u200b ") == ""


def test_our_lists_leave_harmless_captions_in_peace(shared: Path) -> None:
    path = shared / "fixtures/text/captions/coco_30k.csv"
    with path.open(encoding="utf-8", newline="") as file:
        captions = [row["prompt"] for row in csv.DictReader(file)]
    ours = load_words()
    assert len(captions) == 30_000
    assert sum(bool(ours.find(caption)) for caption in captions) == 0


def test_a_published_collection_is_read_as_it_lies(shared: Path) -> None:
    """False alarms on 10,000 captions: the English list's, nearly all of them rightly so."""
    path = shared / "fixtures/text/captions/coco_30k.csv"
    with path.open(encoding="utf-8", newline="") as file:
        captions = [row["prompt"] for row in csv.DictReader(file)][:10_000]
    found = load_words(shared / "fixtures/text/ldnoobw")
    assert len(found.languages) == 28 and len(found.entries) > 2_600
    english = load_words(shared / "fixtures/text/ldnoobw", languages=("en",))
    assert sum(bool(english.find(caption)) for caption in captions) < 30


@pytest.mark.parametrize("text", ["z" * 100_000, "a b " * 20_000, "a.b." * 20_000, "aaab" * 9_000])
def test_a_hostile_caption_costs_no_more_than_a_long_one(lists: WordLists, text: str) -> None:
    """Patterns that try every end from every start took seconds here."""
    began = time.process_time()
    lists.find(text)
    assert time.process_time() - began < 2
