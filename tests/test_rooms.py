"""The rules of the house: who may import whom, what must be written down and typed."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("audit", "curation", "app")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

# Which of our own packages a room may import besides itself.
MAY_IMPORT = {"audit": set(), "curation": {"audit"}, "app": {"audit", "curation"}}

# The files that may import a library; every other file goes through them.
HOMES = {
    "datasets": ("curation/hugging.py",),
    "open_clip": ("audit/encoder.py",),
    "timm": ("audit/encoder.py", "audit/safety/projector.py"),
    "webdataset": (
        "audit/shards.py",
        "audit/sources.py",
        "audit/streams.py",
        "curation/check_samples.py",
    ),
    "duckdb": ("audit/building.py", "audit/catalog.py"),
    "faiss": ("audit/vectors.py",),
    "matplotlib": (
        "audit/demo/harmless/faces.py",
        "audit/evaluation/plots.py",
        "audit/training/plots.py",
    ),
    "pacmap": ("audit/mapping.py",),
    "rapidocr": ("audit/ocr.py",),
    "sklearn": ("audit/concepts.py", "audit/evaluation/style.py"),
    "starlette": ("app/*",),
    "streamlit": ("app/*",),
    "transformers": ("audit/sentences.py",),
    "uvicorn": ("app/ending.py", "app/serve.py"),
}

# Two reopen what they have compressed themselves a line before, for the marks it leaves.
OPEN_IMAGES = ("audit/images.py", "audit/demo/capture.py", "audit/augment.py")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module a file imports, at whatever depth; relative ones are refused."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}:{node.lineno}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


each_module = pytest.mark.parametrize("path", MODULES, ids=named)


def test_there_are_modules_to_check() -> None:
    assert {"audit/cli.py", "audit/scan.py", "curation/__init__.py"} <= {named(p) for p in MODULES}


@each_module
def test_imports_point_left(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    foreign = {"tests", "bench", "data", *ROOMS} - {room} - MAY_IMPORT[room]
    assert not foreign & {name.split(".")[0] for name in imports(path)}


@each_module
def test_nobody_imports_a_cli(path: Path) -> None:
    assert not {f"{room}.cli" for room in ROOMS} & set(imports(path))


@each_module
def test_a_library_is_imported_at_its_home_only(path: Path) -> None:
    for library in {name.split(".")[0] for name in imports(path)} & set(HOMES):
        assert any(fnmatch(named(path), home) for home in HOMES[library]), library


@each_module
def test_only_images_py_opens_images(path: Path) -> None:
    """Pillow may draw elsewhere; bytes from outside pass the limits of images.py first."""
    if named(path) in OPEN_IMAGES:
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("Image", "open"), f"line {node.lineno}"


@each_module
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree(path)), "the module has no docstring"


@each_module
def test_public_functions_are_typed(path: Path) -> None:
    for function in public_functions(tree(path)):
        where = f"{named(path)}:{function.lineno}: {function.name}"
        assert function.returns is not None, f"{where} does not say what it returns"
        spec = function.args
        arguments = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
        for argument in filter(None, arguments):
            if argument.arg not in ("self", "cls"):
                assert argument.annotation is not None, f"{where}: {argument.arg} has no type"


def public_functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods of public classes whose name has no leading underscore."""
    for node in module.body:
        members = node.body if isinstance(node, ast.ClassDef) and node.name[0] != "_" else [node]
        for member in members:
            if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and member.name[0] != "_":
                yield member


@each_module
def test_third_party_imports_are_declared(path: Path) -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["cpu"], *extras["text"], *extras["ocr"]]
    wanted += [*extras["check"], *extras["map"]]
    declared = {entry.split(">")[0].lower().replace("-", "_") for entry in wanted}
    aliases = {
        "PIL": "pillow",
        "yaml": "pyyaml",
        "faiss": "faiss_cpu",
        "open_clip": "open_clip_torch",
        "sklearn": "scikit_learn",
    }
    for name in {name.split(".")[0] for name in imports(path)}:
        if name not in sys.stdlib_module_names and name not in ROOMS:
            assert aliases.get(name, name) in declared, f"{name} is not in pyproject.toml"


def test_every_command_has_help_with_an_example(helps: dict[str, dict[str, str]]) -> None:
    for program, commands in helps.items():
        for command, text in commands.items():
            examples = text.partition("xample")[2]
            assert f"{program} {command}" in examples, f"`{program} {command} --help`: no example"


def test_the_map_of_the_screen_names_every_file_and_no_other() -> None:
    folder = ROOT / "app"
    table = (folder / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    named_there = set(re.findall(r"`([a-z_]+(?:\.py|/))`", table))
    files = {path.name for path in folder.glob("[a-z]*.py")}
    assert named_there == files | {"routes/", "static/", "views/"}
