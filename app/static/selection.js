// Cards of the page that one decision is to be about: added one by one, or from one to another.

class Selection {
  constructor(review) {
    this.review = review;
    this.ids = new Set();
    this.button = buttonOf("", () => this.drop(), { "data-testid": "selection", title: "Select nothing" });
    review.bar.unsent.before(this.button);
    this.clear();
  }

  get cards() {
    return this.review.cards.filter((card) => this.ids.has(card.id) && !card.gone);
  }

  clear() {
    this.end = null;
    this.pick([]);
  }

  pick(ids) {
    this.ids = new Set(ids);
    this.review.cells.pick(this.ids);
    this.button.textContent = `${counted(this.ids.size)} selected ×`;
    this.button.hidden = !this.ids.size;
  }

  // Returns true when the action is one of these; to the next page or the one before leads none.
  act(id) {
    const { cursor, cells, cards } = this.review;
    if (id === "select") this.toggle(cursor);
    const step = { "select:next": 1, "select:previous": -1, "select:down": cells.columns, "select:up": -cells.columns }[id];
    if (step) this.stretch(Math.min(Math.max(cursor + step, 0), cards.length - 1));
    return id === "select" || Boolean(step);
  }

  clicked(n, { shiftKey, ctrlKey, metaKey }) {
    if (shiftKey) return this.stretch(n);
    if (ctrlKey || metaKey) return this.toggle(n);
    if (this.ids.size) this.drop();
    return this.review.select(n);
  }

  toggle(n) {
    const { review } = this;
    review.select(n);
    if (!this.may(review.cards.slice(n, n + 1))) return;
    const { id } = review.cards[n];
    const ids = new Set(this.ids);
    if (!ids.delete(id)) ids.add(id);
    this.begin(ids);
    this.tell(ids);
  }

  // All from where the range began to here; what was selected before it stays.
  stretch(n) {
    const { review } = this;
    if (this.end !== review.cursor) this.begin(this.ids);
    const cards = review.cards.slice(Math.min(this.start, n), Math.max(this.start, n) + 1);
    review.select(n);
    if (!this.may(cards)) return;
    this.end = n;
    this.tell([...this.before, ...cards.filter(({ gone }) => !gone).map(({ id }) => id)]);
  }

  // A range may go on from the cursor.
  begin(ids) {
    this.start = this.end = this.review.cursor;
    this.before = new Set(ids);
  }

  may(cards) {
    const why = whyNotMany(this.review.data) || (cards.every(({ gone }) => gone) ? "This sample is gone" : "");
    if (why) this.review.say(why);
    return !why;
  }

  tell(ids) {
    this.pick(ids);
    const { of } = this.review.keys;
    this.review.say(this.ids.size ? `${counted(this.ids.size)} selected: the next verdict, or ${keyShown(of.many)}, is about all of them` : "Nothing is selected");
  }

  drop() {
    this.clear();
    this.review.grid.focus({ preventScroll: true });
    this.review.say("Nothing is selected");
  }
}

// Why no decision can be made about many, or "".
function whyNotMany({ reviewer, ruling }) {
  if (!reviewer) return "Read-only: no reviewer name was given";
  return ruling ? "Disagreements are settled one by one" : "";
}
