"""The taxonomy: the fixed scheme, the bundled concepts, a user's own file, its errors."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import UsageError
from audit.resources import data_path
from audit.taxonomy import LEVELS, SAFE, TYPES, Taxonomy

OWN = """\
concepts:
  sabre:
    type: illegal
    level: medium
    description: A curved sword.
    prompts: [a sabre on a wall]
    twins:
    - a curved ruler
"""

# PSA-VLM's own indices (papers: arXiv 2411.11543, supplement), written out a second time.
PSA_VLM = {
    "politics": 0,
    "illegal": 1,
    "insults": 2,
    "fairness": 3,
    "privacy": 4,
    "misleading": 5,
    "safe": 6,
}

AGREED = {
    "weapon": ("illegal", "medium"),
    "smoking": ("illegal", "low"),
    "fire": ("illegal", "medium"),
    "typographic": ("illegal", "high"),
    "captcha": ("illegal", "high"),
    "hostile_chat": ("insults", "medium"),
    "id_card": ("privacy", "medium"),
    "licence_plate": ("privacy", "medium"),
    "truncated_chart": ("misleading", "low"),
    "placard": ("politics", "low"),
    "nudity": ("illegal", "high"),
    "gore": ("insults", "high"),
    "hate_symbol": ("insults", "high"),
    "insulting_gesture": ("insults", "medium"),
    "crowd_protest": ("politics", "low"),
    "celebrity": ("privacy", "medium"),
    "stereotype": ("fairness", "medium"),
    "bad_advert": ("misleading", "medium"),
    "alcohol": ("illegal", "low"),
    "knife": ("illegal", "medium"),
    "blood": ("insults", "medium"),
}


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return Taxonomy.load()


def own(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_types_and_levels_have_the_indices_of_psa_vlm(taxonomy: Taxonomy) -> None:
    assert {c.name: c.index for c in taxonomy.types} == PSA_VLM
    assert dict(zip(TYPES, range(7), strict=True)) == PSA_VLM
    assert [c.name for c in taxonomy.levels] == list(LEVELS) == ["none", "low", "medium", "high"]
    assert TYPES[SAFE] == "safe"


def test_the_bundled_concepts_have_the_agreed_type_and_level(taxonomy: Taxonomy) -> None:
    assert {c.name: (c.type, c.level) for c in taxonomy.concepts} == AGREED


def test_every_risky_type_has_a_concept(taxonomy: Taxonomy) -> None:
    assert {c.type for c in taxonomy.concepts} == set(TYPES) - {"safe"}


def test_every_bundled_concept_has_prompts_and_twins_of_its_own(taxonomy: Taxonomy) -> None:
    captions = [text for c in taxonomy.concepts for text in (*c.prompts, *c.twins)]
    assert len(captions) == len(set(captions))
    assert all(len(c.prompts) >= 4 and len(c.twins) >= 3 for c in taxonomy.concepts)


def test_a_prompt_fits_a_clip_text_tower(taxonomy: Taxonomy) -> None:
    # 77 tokens with begin and end; a word is hardly ever more than three tokens.
    assert max(len(p.split()) for c in taxonomy.concepts for p in (*c.prompts, *c.twins)) <= 25


def test_a_concept_is_found_by_name_and_an_unknown_name_lists_the_known(taxonomy: Taxonomy) -> None:
    assert taxonomy.concept("weapon").type == "illegal"
    with pytest.raises(UsageError, match="unknown concept 'neutral'; known: weapon, smoking"):
        taxonomy.concept("neutral")


# Crosswalks.


@pytest.mark.parametrize(
    ("name", "classes", "without", "unknown_here"),
    [
        ("rtvlm", 10, ("insults", "safe"), ()),
        ("vlguard", 10, (), ()),
        ("holisafe", 8, ("politics",), ("self-harm",)),
        (
            "unsafebench",
            12,
            ("privacy",),
            ("self-harm", "public and personal health", "spam"),
        ),
        (
            "llavaguard",
            10,
            ("politics", "privacy", "misleading"),
            ("O7: self-harm", "O8: animal cruelty", "O9: disasters or emergencies"),
        ),
    ],
)
def test_a_crosswalk_says_what_has_no_equivalent_on_either_side(
    taxonomy: Taxonomy,
    name: str,
    classes: int,
    without: tuple[str, ...],
    unknown_here: tuple[str, ...],
) -> None:
    crosswalk = taxonomy.crosswalks[name]
    assert len(crosswalk.classes) == classes
    assert crosswalk.without_equivalent == without
    assert tuple(c.name for c in crosswalk.classes if not c.types) == unknown_here
    assert tuple(t for t in TYPES if not crosswalk.theirs(t)) == without


def test_a_crosswalk_reads_both_ways(taxonomy: Taxonomy) -> None:
    vlguard = taxonomy.crosswalks["vlguard"]
    assert vlguard.theirs("misleading") == ("disinformation", "professional advice")
    theirs = {c.name: (c.types, c.level) for c in vlguard.classes}
    assert theirs["violence"] == (("insults",), "medium")
    assert theirs["safe image"] == (("safe",), "none")


def test_a_concept_in_a_crosswalk_has_one_of_the_types_of_its_class(taxonomy: Taxonomy) -> None:
    for crosswalk in taxonomy.crosswalks.values():
        for foreign in crosswalk.classes:
            for name in foreign.concepts:
                assert taxonomy.concept(name).type in foreign.types, (crosswalk.name, foreign.name)


# The hash.


def test_the_hash_is_stable_and_follows_what_changes_results(
    taxonomy: Taxonomy, tmp_path: Path
) -> None:
    merged = Taxonomy.load(own(tmp_path, OWN))
    reworded = Taxonomy.load(own(tmp_path, "# mine\n" + OWN.replace("A curved", "Some curved")))
    other_prompt = Taxonomy.load(own(tmp_path, OWN.replace("on a wall", "in a hand")))
    assert len(taxonomy.hash) == 64
    assert set(taxonomy.hash) <= set(string.hexdigits.lower())
    assert Taxonomy.load().hash == taxonomy.hash
    assert merged.hash == reworded.hash
    assert len({taxonomy.hash, merged.hash, other_prompt.hash}) == 3


# A user's own file.


def test_a_users_concepts_follow_the_bundled_ones(taxonomy: Taxonomy, tmp_path: Path) -> None:
    merged = Taxonomy.load(own(tmp_path, OWN))
    assert merged.concepts[:-1] == taxonomy.concepts
    sabre = merged.concept("sabre")
    assert (sabre.prompts, sabre.twins) == (("a sabre on a wall",), ("a curved ruler",))


def test_twins_may_be_left_out(tmp_path: Path) -> None:
    text = OWN.replace("    twins:\n    - a curved ruler\n", "")
    assert Taxonomy.load(own(tmp_path, text)).concept("sabre").twins == ()


def test_the_example_of_the_contributors_guide_loads(tmp_path: Path) -> None:
    guide = Path(__file__).parent.parent / "CONTRIBUTING.md"
    example = guide.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    assert len(Taxonomy.load(own(tmp_path, example)).concepts) == len(AGREED) + 1


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("", "must be a mapping, found nothing"),
        ("- sabre\n", "must be a mapping, found ['sabre']"),
        ("types: {}\n", "unknown key 'types'; known: concepts"),
        ("concepts: {}\n", "concepts: is empty; add at least one concept"),
        ("concepts: sabre\n", "concepts: must be a mapping, found 'sabre'"),
        ("concepts: {1: {}}\n", "concepts: key 1 is not text; put it in quotes"),
        (OWN.replace("sabre:", "Big Sabre:"), "concepts.Big Sabre: a name is a-z, 0-9 and _"),
        (OWN.replace("sabre:", "weapon:"), "concepts.weapon: is already one of the bundled"),
        (OWN.replace("sabre:", "neutral:"), "concepts.neutral: is the name of"),
        (OWN.replace("sabre:", "privacy:"), "concepts.privacy: is the name of"),
        (
            OWN.replace("type:", "typ:"),
            "concepts.sabre: unknown key 'typ'; known: type, level, description, prompts, twins",
        ),
        (OWN.replace("    type: illegal\n", ""), "concepts.sabre: key 'type' is missing"),
        (
            OWN.replace("illegal", "illgal"),
            "concepts.sabre.type: unknown value 'illgal'; known: politics, illegal, insults, "
            "fairness, privacy, misleading",
        ),
        (OWN.replace("illegal", "safe"), "concepts.sabre.type: unknown value 'safe'"),
        (
            OWN.replace("medium", "2"),
            "concepts.sabre.level: unknown value 2; known: low, medium, high",
        ),
        (OWN.replace("medium", "none"), "concepts.sabre.level: unknown value 'none'"),
        (OWN.replace("medium", "[low]"), "concepts.sabre.level: unknown value ['low']"),
        (OWN.replace("A curved sword.", "''"), "concepts.sabre.description: must be text"),
        (
            OWN.replace("[a sabre on a wall]", "a sabre"),
            "concepts.sabre.prompts: must be a list of texts, found 'a sabre'",
        ),
        (OWN.replace("[a sabre on a wall]", "[]"), "concepts.sabre.prompts: is empty"),
        (OWN.replace("[a sabre on a wall]", "[7]"), "concepts.sabre.prompts[0]: must be text"),
        (
            OWN.replace("[a sabre on a wall]", "[a, b, a]"),
            "concepts.sabre.prompts: 'a' appears twice",
        ),
        (OWN.replace("a curved ruler", "a sabre on a wall"), "concepts.sabre.twins: 'a sabre on"),
        (
            OWN.replace("a curved ruler", "very " * 70 + "long"),
            "concepts.sabre.twins[0]: has 354 characters; shorten it to 300",
        ),
        (OWN + OWN[10:], ", line 9: not valid YAML: key 'sabre' appears twice"),
        ("concepts: [\n", "not valid YAML"),
        ("concepts: &c\n  a: *c\n", ", line 2: not valid YAML: aliases (*name) are refused"),
        ("concepts: !!python/name:os.system\n", ", line 1: not valid YAML: could not determine"),
        ("concepts: 2024-99-99\n", "not valid YAML: month must be in 1..12"),
        ("concepts: \x07\n", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        (b"concepts: \xff\n", "not UTF-8 at byte 10"),
        ('concepts: {"a\\nb\\e[31m": {}}\n', "concepts.a?b?[31m: a name is a-z"),
    ],
)
def test_a_mistake_in_a_users_file_is_one_line_naming_file_and_place(
    tmp_path: Path, wrong: str | bytes, complaint: str
) -> None:
    path = own(tmp_path, wrong)
    with pytest.raises(UsageError) as caught:
        Taxonomy.load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert complaint in message
    assert message.isprintable()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml: cannot be read: No such file"):
        Taxonomy.load(tmp_path / "nowhere.yaml")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        Taxonomy.load(tmp_path)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(OWN)), noise=st.text(max_size=8))
def test_a_damaged_file_loads_or_is_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: str
) -> None:
    damaged = (OWN[:cut] + noise + OWN[cut:]).encode("utf-8", "surrogatepass")
    path = own(tmp_path_factory.mktemp("damaged"), damaged)
    try:
        merged = Taxonomy.load(path)
    except UsageError as error:
        assert str(error).isprintable()
    else:
        assert len(merged.concepts) > len(AGREED)


def test_the_bundled_file_is_found_from_any_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_path("taxonomy.yaml").is_file()
    assert Taxonomy.load().version == "1.0"
