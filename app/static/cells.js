// The cells of the page: small blurred pictures, one line of text, one mark, and the cursor.

class Cells {
  // clicked(n, event): a cell was clicked; token(): for previews that the server has yet to make.
  constructor(grid, clicked, token) {
    this.grid = grid;
    this.clicked = clicked;
    this.token = token;
    this.ids = new Set(); // of what is selected besides the cursor
    this.of = new Map();
  }

  build(cards, marks) {
    this.of.clear();
    this.cards = cards;
    this.grid.replaceChildren(...cards.map((card, n) => {
      const cell = element("div", { role: "option", id: `o${n}`, class: "cell", "data-row": card.id, "aria-selected": "false" });
      const thumb = element("div", { class: "thumb" });
      const mark = element("span", { class: "mark" });
      const line = element("div", { class: "line" });
      cell.append(thumb, mark, line);
      cell.classList.toggle("stack", card.members > 1);
      cell.onclick = (event) => {
        this.clicked(n, event);
        this.grid.focus({ preventScroll: true });
      };
      const parts = { cell, thumb, mark, line };
      this.of.set(card.id, parts);
      this.drawPicture(card, parts);
      this.drawLine(card, parts);
      this.paint(card, marks.get(card.id));
      return cell;
    }));
  }

  // The same rows with what is known of them by now; pictures that were made meanwhile stay.
  renew(cards) {
    cards.forEach((card, n) => {
      if (!card.gone && !card.withheld) card.preview ??= this.cards[n].preview;
      this.drawLine(card);
    });
    this.cards = cards;
  }

  drawPicture(card, { thumb }) {
    const image = element("img", { alt: "", draggable: "false" });
    previewInto(image, card);
    thumb.replaceChildren(image, ...tagsOf(card));
    const why = card.gone ? "gone" : card.withheld || card.error;
    if (why) thumb.append(element("span", { class: "why", text: why }));
    else if (!card.preview) this.fetchPreview(card, image);
  }

  drawLine(card, { line } = this.of.get(card.id)) {
    if (card.gone) return line.replaceChildren(element("span", { text: headline(card) }));
    if (card.status === "failed") return line.replaceChildren(element("span", { text: "not scored" }));
    if (card.blind) return line.replaceChildren(element("span", { text: "score hidden" }));
    return line.replaceChildren(
      element("span", { text: card.type || "no type" }), " ",
      element("span", { text: `${card.level || "no level"} ${percent(card.risk)}` }),
    );
  }

  // Rows scanned without previews: made by the server, small and grey like the others.
  async fetchPreview(card, image) {
    try {
      const answer = await request(this.token(), `/audit/preview/${card.id}`, undefined, { cache: "default" });
      if (!answer.ok) {
        const { error } = await answer.json();
        image.parentElement?.append(element("span", { class: "why", text: error }));
        return;
      }
      const bytes = new Uint8Array(await answer.arrayBuffer());
      card.preview = btoa(String.fromCharCode(...bytes));
      previewInto(image, card);
      this.previewed?.(card);
    } catch { /* the grey field stays */ }
  }

  paint(card, found) {
    const { cell, mark } = this.of.get(card.id);
    mark.textContent = found ? markText(found) : card.others ? "•" : "";
    mark.title = found ? markTitle(found) : card.others ? "decided by others" : "";
    if (found) cell.dataset.verdict = found.verdict;
    else delete cell.dataset.verdict;
  }

  select(n) {
    const { cell } = this.of.get(this.cards[n].id);
    const former = this.grid.querySelector(".at");
    for (const [each, isAt] of [[former, false], [cell, true]]) {
      each?.classList.toggle("at", isAt);
      if (!this.ids.size) each?.setAttribute("aria-selected", String(isAt));
    }
    this.grid.setAttribute("aria-activedescendant", cell.id);
    this.grid.dataset.cursor = String(n);
    cell.scrollIntoView({ block: "nearest" });
  }

  // Selected are these, or, where there are none, what the cursor stands on.
  pick(ids) {
    this.ids = ids;
    for (const [id, { cell }] of this.of) {
      cell.classList.toggle("picked", ids.has(id));
      cell.setAttribute("aria-selected", String(ids.size ? ids.has(id) : cell.matches(".at")));
    }
  }

  get columns() {
    return Math.max(1, getComputedStyle(this.grid).gridTemplateColumns.split(" ").length);
  }

  // Nothing of the picture stays in the page.
  lock(card) {
    const { thumb } = this.of.get(card.id);
    thumb.replaceChildren(element("span", { class: "why", text: "locked away" }));
    card.preview = null;
  }
}

// What a card is besides its scores.
function tagsOf(card) {
  const tags = [];
  if (card.members > 1) {
    tags.push(element("span", { class: "tag", text: `×${counted(card.members)}`, title: `stands for ${card.members} near-duplicates: what you decide holds for all of them` }));
  }
  if (card.second) {
    tags.push(element("span", { class: "tag second", text: "2nd", title: "a second look: what others said is shown after yours" }));
  }
  return tags;
}
