// What the reviewer said of the rows on the page, as short text.

const LETTERS = { agree: "A", relabel: "R", keep: "K", drop: "D", escalate: "E", quarantine: "L", skip: "S" };

function markOf(said) {
  if (!said) return null;
  return { id: said.id, verdict: said.verdict, type: said.type, level: said.level, note: said.note };
}

function markText(mark) {
  const label = [mark.type, mark.level].filter(Boolean).join(" ");
  return mark.verdict === "relabel" ? `${LETTERS.relabel} ${label}` : LETTERS[mark.verdict] || mark.verdict;
}

function markTitle(mark) {
  return [mark.verdict, mark.type, mark.level].filter(Boolean).join(" ");
}
