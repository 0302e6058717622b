"""Source code in several languages, in light and dark editors and in terminals."""

from __future__ import annotations

import random
import re

from PIL import Image, ImageDraw

from audit.demo.harmless.faces import CODE, Colour, Font, face
from audit.demo.harmless.sheet import PHOTOGRAPHED, blend, ground, hue, palette, photographed

_PIECES: dict[str, tuple[str, ...]] = {
    "python": (
        "import {m}\nfrom {m} import {a}, {b}\n",
        "def {f}({a}, {b}={n}):\n    # {c}\n    if {a} > {b}:\n        return {a} - {b}\n"
        "    return [{a} for {a} in range({n})]\n",
        'class {T}:\n    """{c}"""\n\n    def __init__(self, {a}):\n        self.{a} = {a}\n\n'
        "    def {f}(self):\n        return self.{a} * {n}\n",
        "with open('{b}.txt') as file:\n    for line in file:\n        print(line.strip())\n",
        "{a} = {{'{b}': {n}, '{f}': {k}}}\n{b} = sorted({a}.items())\nassert len({b}) == 2\n",
        "try:\n    {a} = {f}({n})\nexcept ValueError as error:\n    log.warning('%s', error)\n",
    ),
    "javascript": (
        "import {{ {f} }} from './{m}.js';\n",
        "const {a} = async ({b}) => {{\n  // {c}\n  const res = await fetch(`/api/${{{b}}}`);\n"
        "  return res.json();\n}};\n",
        "export function {f}({a}, {b}) {{\n  if ({a} === null) return {n};\n"
        "  return {a}.map((x) => x * {k});\n}}\n",
        "document.querySelector('#{m}').addEventListener('click', () => {{\n  {f}({n});\n}});\n",
        "let {b} = [{n}, {k}, {n}];\nfor (const {a} of {b}) {{\n  console.log({a});\n}}\n",
    ),
    "c": (
        "#include <stdio.h>\n#include \"{m}.h\"\n",
        "static int {f}(const int *{a}, size_t n)\n{{\n    int {b} = 0;\n"
        "    for (size_t i = 0; i < n; i++)\n        {b} += {a}[i];  /* {c} */\n"
        "    return {b};\n}}\n",
        "int main(void)\n{{\n    int {a}[{n}] = {{0}};\n    printf(\"%d\\n\", {f}({a}, {n}));\n"
        "    return 0;\n}}\n",
        "struct {m} {{\n    char name[{n}];\n    double {a};\n    struct {m} *next;\n}};\n",
    ),
    "sql": (
        "-- {c}\nSELECT {a}, count(*) AS {b}\nFROM {m}\nWHERE {a} > {n}\nGROUP BY {a}\n"
        "ORDER BY {b} DESC\nLIMIT {k};\n",
        "CREATE TABLE {m} (\n  id INTEGER PRIMARY KEY,\n  {a} TEXT NOT NULL,\n  {b} REAL\n);\n",
        "INSERT INTO {m} ({a}, {b})\nVALUES ('{f}', {n}), ('{m}', {k});\n",
    ),
    "html": (
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n  <title>{T}</title>\n</head>\n",
        "<ul class=\"{m}\">\n  <li>{a}</li>\n  <li>{b}</li>\n</ul>\n<!-- {c} -->\n",
        ".{m} {{\n  margin: {n}px auto;\n  color: #{n}{n}{n};\n  display: flex;\n}}\n",
        "<button onclick=\"{f}({n})\">{T}</button>\n<p id=\"{b}\">{c}</p>\n",
    ),
    "rust": (
        "use std::collections::HashMap;\n",
        "pub fn {f}({a}: &[u32]) -> Option<u32> {{\n    // {c}\n"
        "    let {b} = {a}.iter().max()?;\n    Some({b} + {n})\n}}\n",
        "#[derive(Debug, Clone)]\nstruct {T} {{\n    {a}: String,\n    {b}: f64,\n}}\n",
        "impl {T} {{\n    fn new({a}: String) -> Self {{\n        Self {{ {a}, {b}: {n}.0 }}\n"
        "    }}\n}}\n",
        "match {a} {{\n    0 => println!(\"{m}\"),\n    1..={n} => {f}(),\n    _ => (),\n}}\n",
    ),
}  # fmt: skip
_WORDS = ("total", "items", "row", "weight", "index", "price", "width", "songs", "tiles", "node",
          "left", "score", "queue", "page", "radius", "speed", "leaf", "token")  # fmt: skip
_MODULES = ("garden", "orchestra", "weather", "library", "tiles", "ferry", "kitchen", "atlas")
_FUNCTIONS = ("merge", "sort_by_name", "load_rows", "area", "next_page", "smooth", "count_words",
              "draw_tree", "to_celsius", "parse", "shuffle", "mean")  # fmt: skip
_COMMENTS = ("see the manual", "keep the order", "empty lists are fine", "one page at a time",
             "metres, not feet", "the fast road", "TODO: nicer names")  # fmt: skip
_SHELL = ("ls -la", "git status", "git log --oneline", "make test", "cat {m}.txt", "cd ~/{m}",
          "python -m {m}", "grep -rn {a} src", "df -h", "npm install", "man sort")  # fmt: skip
_TOKEN = re.compile(
    r"(?P<comment>#[^\[i<].*|//.*|/\*.*?\*/|--\s.*|<!--.*|#$)|(?P<string>'[^']*'|\"[^\"]*\"|`[^`]*`)"
    r"|(?P<number>\b\d+\.?\d*\b)|(?P<word>[A-Za-z_]\w*)|(?P<space>\s+)|(?P<other>.)"
)
_KEYWORDS = frozenset((
    "import", "from", "def", "return", "if", "else", "for", "in", "with", "as", "class", "try",
    "except", "assert", "const", "let", "async", "await", "export", "function", "of", "static",
    "int", "void", "struct", "char", "double", "size_t", "include", "pub", "fn", "use", "impl",
    "match", "Self", "self", "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "BY", "LIMIT", "CREATE",
    "TABLE", "INSERT", "INTO", "VALUES", "AS", "DESC", "null", "html", "head", "title", "ul", "li",
))  # fmt: skip

_Tones = dict[str, Colour]


def _source(rng: random.Random, lines: int) -> list[str]:
    """So many lines of one language, or a few more."""
    pieces = _PIECES[rng.choice(list(_PIECES))]
    text: list[str] = []
    while len(text) < lines:
        names = rng.sample(_WORDS, 2)
        piece = rng.choice(pieces).format(
            a=names[0], b=names[1], m=rng.choice(_MODULES), f=rng.choice(_FUNCTIONS),
            T=rng.choice(_MODULES).title(), n=rng.randint(2, 99), k=rng.randint(2, 9),
            c=rng.choice(_COMMENTS),
        )  # fmt: skip
        text += piece.split("\n")
    return text


def _editor(rng: random.Random, dark: bool) -> Image.Image:
    back = hue(rng, rng.uniform(0, 0.35), rng.uniform(0.08, 0.2)) if dark else rng.choice(
        ((255, 255, 255), (250, 250, 250), (253, 246, 227), (246, 248, 250)))  # fmt: skip
    front = (212, 212, 212) if dark else (36, 41, 46)
    image, pen = ground(rng, back)
    wide, high = image.size
    kinds = ("keyword", "string", "number", "comment", "call")
    away = (front, 0.2) if dark else ((0, 0, 0), 0.3)
    colours = (blend(colour, *away) for colour in palette(rng, 5, 0.75))
    tones: _Tones = {"other": front, **dict(zip(kinds, colours, strict=True))}
    font = face(rng.choice(CODE), rng.choice((11, 13, 15, 18, 22, 28)))
    step = font.size * rng.choice((1.2, 1.35, 1.5))
    dim = blend(back, front, 0.45)
    x0, y = 10.0, 10.0
    if rng.random() < 0.4:  # a bar with the file's name
        bar = blend(back, front, 0.1)
        pen.rectangle((0, 0, wide, 26), bar)
        pen.rectangle((0, 0, 150, 26), back)
        pen.text((12, 6), f"{rng.choice(_MODULES)}.{rng.choice(('py', 'js', 'c', 'rs'))}", front,
                 face("sans", 12))  # fmt: skip
        y = 34.0
    if rng.random() < 0.25:  # a tree of files
        pen.rectangle((0, y - 8, 120, high), blend(back, front, 0.06))
        for k, name in enumerate(rng.sample(_WORDS, 9)):
            pen.text((12 + 12 * (k % 3 > 0), y + 19 * k), name, dim, face("sans", 12))
        x0 = 132.0
    numbered = rng.random() < 0.7
    first = rng.randint(1, 300) if rng.random() < 0.5 else 1
    lines = _source(rng, int((high - y) / step) + 1)
    marked = rng.randrange(len(lines)) if rng.random() < 0.5 else -1
    for row, line in enumerate(lines):
        if y + font.size > high:
            break
        if row == marked:
            pen.rectangle((x0 - 6, y - 1, wide, y + step - 2), blend(back, front, 0.1))
        x = x0
        if numbered:
            pen.text((x + font.size * 1.9, y), str(first + row), dim, font, "ra")
            x += font.size * 2.6
        _tokens(pen, (x, y), line, font, tones)
        y += step
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED / 2 else image


def _tokens(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], line: str, font: Font, tones: _Tones
) -> None:
    """Set one line, coloured by what its parts are."""
    x, y = at
    for match in _TOKEN.finditer(line):
        kind, text = str(match.lastgroup), match.group()
        tone = tones.get(kind, tones["other"])
        if kind == "word" and text in _KEYWORDS:
            tone = tones["keyword"]
        elif kind == "word" and line[match.end() : match.end() + 1] == "(":
            tone = tones["call"]
        pen.text((x, y), text, tone, font)
        x += font.getlength(text)


def code_light(rng: random.Random) -> Image.Image:
    """An editor with dark letters on a light ground."""
    return _editor(rng, dark=False)


def code_dark(rng: random.Random) -> Image.Image:
    """An editor with light letters on a dark ground."""
    return _editor(rng, dark=True)


def terminals(rng: random.Random) -> Image.Image:
    """A shell with prompts, commands, listings and a progress line."""
    back = rng.choice(((0, 0, 0), (12, 12, 12), (48, 10, 36), (0, 43, 54), (253, 246, 227)))
    dark = sum(back) < 380
    front = rng.choice(((230, 230, 230), (60, 230, 90), (255, 190, 60))) if dark else (60, 70, 80)
    image, pen = ground(rng, back)
    wide, high = image.size
    font = face(rng.choice(CODE), rng.choice((12, 14, 17, 20)))
    step = font.size * 1.3
    y = 8.0
    if rng.random() < 0.5:
        pen.rectangle((0, 0, wide, 24), (70, 70, 74) if dark else (205, 205, 208))
        pen.text((wide / 2, 12), f"{rng.choice(_MODULES)}: bash", (230, 230, 230) if dark else
                 (40, 40, 40), face("sans", 12), "mm")  # fmt: skip
        y = 32.0
    prompt = rng.choice(("$ ", "> ", "~ % ", "user@box:~$ "))
    accent = palette(rng, 3, 0.6)
    while y + step < high:
        command = rng.choice(_SHELL).format(m=rng.choice(_MODULES), a=rng.choice(_WORDS))
        pen.text((10, y), prompt, accent[0], font)
        pen.text((10 + font.getlength(prompt), y), command, front, font)
        y += step
        for _ in range(rng.randint(0, 6)):
            if y + step > high:
                break
            kind = rng.random()
            if kind < 0.5:
                text = f"-rw-r--r-- 1 {rng.randint(10, 99_999):>6} {rng.choice(_WORDS)}.txt"
            elif kind < 0.75:
                text = f"{rng.getrandbits(28):07x} {rng.choice(_COMMENTS)}"
            else:
                done = rng.randint(1, 20)
                text = f"[{'#' * done}{'.' * (20 - done)}] {5 * done}%"
            pen.text((10, y), text, accent[1] if kind > 0.75 else front, font)
            y += step
    return photographed(image, rng) if rng.random() < PHOTOGRAPHED / 2 else image
