"""A page written once, read as Markdown or as one HTML file that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from audit.text import visible

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.6rem; margin-bottom: .2rem; }}
h2 {{ font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #e3e7eb; }}
table {{ border-collapse: collapse; font-size: .88rem; margin: .6rem 0; }}
th, td {{ padding: .2rem .7rem .2rem 0; text-align: right; font-variant-numeric: tabular-nums;
         border-bottom: 1px solid #eef1f4; white-space: nowrap; }}
th.text, td.text {{ text-align: left; white-space: normal; min-width: 6rem; }}
th {{ color: #6b7785; font-weight: 600; }}
svg {{ max-width: 100%; height: auto; }}
.wide {{ overflow-x: auto; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


@dataclass(slots=True)
class Page:
    """A page in the making: the same pieces as Markdown and as HTML."""

    title: str
    markdown: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)

    def head(self, text: str, level: int = 2) -> None:
        """A heading."""
        self.markdown.append(f"{'#' * level} {_md(text)}")
        self.html.append(f"<h{level}>{html.escape(visible(text))}</h{level}>")

    def say(self, text: str) -> None:
        """A paragraph."""
        self.markdown.append(_md(text))
        self.html.append(f"<p>{html.escape(visible(text))}</p>")

    def points(self, lines: Iterable[str]) -> None:
        """A list."""
        lines = list(lines)
        self.markdown.append("\n".join(f"- {_md(line)}" for line in lines))
        items = "".join(f"<li>{html.escape(visible(line))}</li>" for line in lines)
        self.html.append(f"<ul>{items}</ul>")

    def table(
        self, head: Sequence[str], rows: Iterable[Sequence[object]], *, text: int = 1
    ) -> None:
        """A table; its first `text` columns are text, the others numbers."""
        cells = [[visible(str(cell)) for cell in row] for row in rows]
        lines = [head, [*["---"] * text, *["---:"] * (len(head) - text)], *cells]
        marked = ["| " + " | ".join(_md(cell) for cell in line) + " |" for line in lines]
        self.markdown.append("\n".join(marked))
        body = "".join(_row("td", row, text) for row in cells)
        self.html.append(f'<div class="wide"><table>{_row("th", head, text)}{body}</table></div>')

    def plot(self, svg: str) -> None:
        """A plot; Markdown has the tables instead."""
        self.html.append(f'<div class="wide">{svg}</div>')

    def as_markdown(self) -> str:
        """The page as Markdown."""
        return "\n\n".join(self.markdown) + "\n"

    def as_html(self) -> str:
        """The page as one HTML file."""
        title = html.escape(visible(self.title))
        return _PAGE.format(title=title, body="\n".join(self.html))


def _row(tag: str, cells: Sequence[str], text: int) -> str:
    opened = [f'<{tag} class="text">' if i < text else f"<{tag}>" for i in range(len(cells))]
    said = (
        f"{begin}{html.escape(cell)}</{tag}>" for begin, cell in zip(opened, cells, strict=True)
    )
    return f"<tr>{''.join(said)}</tr>"


def _md(text: str) -> str:
    """Text that cannot become markup: a source may be called anything."""
    escaped = visible(text).replace("\\", "\\\\").replace("|", "\\|")
    return escaped.replace("<", "&lt;").replace("`", "\\`")
