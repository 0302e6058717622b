// The screen: takes the page's data, hands it to its parts, and does what the keys and buttons say.
// State lives on the root element: Streamlit calls the export again whenever its data changes.
//
// One job a file: keys (which key means what), ownkeys (those a person has changed), legend, bar,
// pager, cells, selection (several cards), card, marks (what a card and a verdict say), deciding,
// undoing, outbox (decisions on their way), ending (nothing more to decide), pane (the sample under
// the cursor), reveal (the one sharp picture), address (of filters, page and item), asking (the
// server), dom. All are one module, in grid.py SCRIPTS.
//
// To join the screen without being named here, a file pushes a function onto PARTS:
//     PARTS.push((review) => new Mine(review));
// It is called once a screen. The part may have any of these:
//     actions(data)    [[id, label, key] ...]: keys of its own, in the legend, remappable, and
//                      buttons of the bar; without a reviewer they are disabled, unless in LOOKING
//     take(data, isNew)  the page's data has come (isNew: other rows than before)
//     selected(card)   the cursor stands on this card
//     arrived(card, signal)  the pane shows all of it; aborted when the cursor moves on
//     act(id, card)    returns true when it has dealt with the action: also with those that are not
//                      its own (a break dialog before "reveal", a cluster before "drop")
//     decided(entry)   a decision has been made here and is on its way
//     stored(ids)      decisions with these ids are stored
//     told(seen)       what the server has counted of what was seen; see app/exposure.py
//     stop()           the screen has gone: another page is shown
// and use of the screen:
//     review.data, .cards, .card (under the cursor), .marks, .shell (<dialog>s go in here: while
//     one is open no key is for the screen), .reveal, .pane, .say(text), .ask(path, body) (a
//     Response; GET without a body; sends the token), .decide(card, said), .advance(), .act(id)

const LATE_MS = 300; // until a decision that is not stored yet is told of
const ANYWHERE = new Set(["page:next", "page:previous", "search", "leave"]); // not about a sample

class Review {
  constructor(root) {
    const find = (name) => root.querySelector(name);
    this.work = find(".work");
    this.grid = find(".grid");
    this.said = find(".said");
    this.legend = find(".legend");
    this.shell = find(".review");
    this.pane = new Pane(find(".pane"));
    this.reveal = new Reveal(this.pane.canvas, (text) => this.say(text));
    this.reveal.counted = this.pane.counted = (seen) => this.count(seen);
    this.pane.arrived = (card, signal) => this.tell("arrived", card, signal);
    this.cells = new Cells(this.grid, (n, event) => this.selection.clicked(n, event), () => this.data.token);
    this.cells.previewed = (card) => this.card === card && previewInto(this.pane.preview, card);
    this.pager = new Pager((page) => this.turnTo(page), () => this.anew());
    this.bar = new Bar(find(".bar"), find(".counts"), this.pager, (id) => this.act(id));
    this.ending = new Ending(find(".ending"), () => this.anew());
    this.selection = new Selection(this);
    this.address = new Address();
    this.deciding = new Deciding(this);
    this.cards = [];
    this.cursor = 0;
    this.waiting = false; // for another page: keys wait too, they must not decide the old one's samples
    this.backwards = false; // the page before was turned to: its last sample comes next
    this.above = new ResizeObserver(() => this.fit());
    for (let node = this.work; (node = node.previousElementSibling);) this.above.observe(node);
    this.parts = PARTS.map((make) => make(this));
  }

  get card() {
    return this.cards[this.cursor];
  }

  // New data: the same page again, another page, another queue, or a new token.
  take(data, send) {
    this.data = data;
    this.send = send;
    this.pane.token = this.reveal.token = data.token;
    const whose = `${data.catalog}.${data.reviewer || ""}`;
    this.shell.style.setProperty("--columns", data.personal.columns || "none");
    this.shell.classList.toggle("fixed", data.personal.columns > 0);
    if (whose !== this.whose) this.begin(whose);
    const own = JSON.stringify(data.personal.keys);
    if (own !== this.own) this.bindKeys();
    this.own = own;
    const shown = this.card?.id;
    const ids = data.cards.map((card) => card.id).join();
    const found = `${data.state} ${data.query}`;
    const isSame = found === this.found; // the rows may be others: found anew, or another page
    this.found = found;
    const isResumed = isSame && this.session && this.session !== data.session; // the server was started again
    this.session = data.session;
    const isNew = ids !== this.ids;
    const isFirst = this.ids === undefined;
    this.cards = data.cards;
    this.page = data.page;
    this.marks = new Map(data.cards.map((card) => [card.id, markOf(card.mine)]));
    for (const entry of this.outbox.entries) this.overlay(entry);
    if (this.waiting) this.say("");
    this.waiting = false;
    this.pager.show(data.page, data.pages);
    const isStep = this.address.arrived(data.page);
    if (isNew) {
      this.ids = ids;
      this.reveal.hide();
      this.work.hidden = !this.cards.length;
      this.fit(); // what is above the screen may have changed with its rows
      this.cells.build(this.cards, this.marks);
      this.selection.clear();
      this.begun(isFirst || isStep ? this.address.item : isSame ? shown : null);
    } else {
      this.cells.renew(this.cards);
      this.cards.forEach((card) => this.paint(card));
      this.place();
    }
    this.tell("take", data, isNew);
    this.count(data.seen);
    this.outbox.use(data.token);
    const { wanted } = this;
    this.wanted = data.page;
    if (isResumed && wanted > 1 && wanted !== data.page) this.turnTo(wanted);
  }

  // Another page of cards is there: the cursor goes to the one with this id, or to where reading
  // goes on.
  begun(id) {
    const at = this.cards.findIndex((card) => card.id === id);
    if (!this.cards.length) this.nothing();
    else this.select(at >= 0 ? at : this.backwards ? this.cards.length - 1 : this.firstOpen());
    this.backwards = false;
  }

  isOpen({ id, gone }) {
    return !gone && !this.marks.get(id);
  }

  // What was decided before a reload is not decided again by the next key.
  firstOpen() {
    if (this.data.state !== "open") return 0;
    return Math.max(0, this.cards.findIndex((card) => this.isOpen(card)));
  }

  // Cells and pane end where the window does, whatever is above them.
  fit() {
    const scrolled = document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0;
    const above = Math.round(this.work.getBoundingClientRect().top + scrolled);
    this.work.style.setProperty("--above", `${above + 24}px`);
  }

  nothing() {
    this.say("");
    this.bar.place.textContent = "";
    this.ending.empty(this.data.empty);
  }

  // Another reviewer or catalog: what waits to be sent and what can be undone are theirs.
  begin(whose) {
    this.whose = whose;
    this.outbox?.stop();
    this.outbox = new Outbox(`audit.outbox.${whose}`, (n, why) => this.pending(n, why), (entry, why) => this.deciding.refused(entry, why));
    this.outbox.stored = (ids) => this.tell("stored", ids);
    this.outbox.taken = (rows) => this.deciding.taken(rows);
    this.undoing = new Undoing(`audit.undo.${whose}`);
    this.own = null;
  }

  // The person's own keys, which another window or the page Settings may have changed.
  bindKeys() {
    this.more = this.parts.flatMap((part) => part.actions?.(this.data) ?? []);
    this.ownKeys = new OwnKeys(this.data, (...about) => this.ask(...about), (text) => this.say(text));
    this.keys = new Keys(actionsOf(this.data.types, this.data.levels, this.more), this.ownKeys.keys, (own) => this.ownKeys.keep(own));
    this.fillBar();
  }

  tell(what, ...about) {
    for (const part of this.parts) part[what]?.(...about);
  }

  fillBar() {
    this.bar.fill(this.data, this.keys, this.more.map(([id]) => id));
  }

  overlay(entry) {
    if (!this.marks.has(entry.row_id)) return;
    this.marks.set(entry.row_id, entry.verdict === "undo" ? null : markOf(entry));
  }

  paint(card) {
    this.cells.paint(card, this.marks.get(card.id));
  }

  select(n) {
    if (!this.cards.length) return;
    this.cursor = Math.min(Math.max(n, 0), this.cards.length - 1);
    const { card } = this;
    if (card.id !== this.reveal.id) this.reveal.hide();
    this.cells.select(this.cursor);
    this.ending.hide();
    this.place();
    this.pane.show(card);
    this.deciding.begun();
    this.address.item = card.id;
    this.tell("selected", card);
  }

  place() {
    if (this.cards.length) this.bar.place.textContent = placeOf(this.data, this.cursor, this.marks);
  }

  advance(by = 1) {
    const to = this.cursor + by;
    if (to >= 0 && to < this.cards.length) this.select(to);
    else this.turnPage(Math.sign(by));
  }

  turnPage(by) {
    this.reveal.hide();
    const page = this.page + by;
    if (page < 1) return this.say("The beginning of this queue");
    if (page > this.data.pages) return this.end();
    this.backwards = by < 0;
    return this.turnTo(page);
  }

  turnTo(page) {
    this.reveal.hide();
    this.waiting = true;
    this.say("Turning the page");
    this.fetchPage(page);
  }

  // A page as it is by now, of these rows: where others are on their way it is not of those.
  fetchPage(page) {
    this.wanted = page;
    this.send("turn", { set: this.data.set, page });
  }

  // The same rows found anew, from the first page.
  anew() {
    this.waiting = true;
    this.ids = "";
    this.say("Looking for samples");
    this.send("renew", true);
  }

  end() {
    const open = this.cards.filter((card) => this.isOpen(card));
    this.ending.end(open.length, () => this.select(this.cards.indexOf(open[0])));
    this.place();
  }

  act(id) {
    if (id === "legend") return this.openLegend();
    if (id === "hide") return this.curtain();
    if (this.waiting || this.shell.classList.contains("hidden")) return undefined;
    if (!this.card && !ANYWHERE.has(id)) return this.say("No sample is here to decide");
    if (this.selection.act(id)) return undefined;
    if (this.parts.some((part) => part.act?.(id, this.card))) return undefined;
    if (id === "page:next" || id === "page:previous") return this.turnPage(id === "page:next" ? 1 : -1);
    const step = { next: 1, previous: -1, down: this.cells.columns, up: -this.cells.columns }[id];
    if (step === 1 || step === -1) return this.advance(step);
    if (step) return this.select(this.cursor + step);
    const { card } = this;
    if (id === "skip") return this.advance();
    if (id === "reveal") return this.toggleReveal(card);
    if (id === "grey") return this.reveal.colour();
    return this.deciding.act(id, card);
  }

  decide(card, said) {
    this.deciding.decide(card, said);
  }

  async toggleReveal(card) {
    if (this.reveal.id === card.id) return this.reveal.hide();
    if (card.gone || card.withheld) return this.say(card.gone ? "This sample is gone" : `It is ${card.withheld}`);
    const shown = await this.reveal.show(card.id);
    if (shown && this.card === card) this.deciding.looked = true;
    if (shown) this.count({ ...this.lastSeen, pictures: this.lastSeen.pictures + 1 });
    return undefined;
  }

  // Everything out of sight at once, the small previews too; the same key brings those back.
  curtain() {
    this.reveal.hide();
    const hidden = this.shell.classList.toggle("hidden");
    if (!hidden) this.selection.clear();
    this.say(hidden ? `Hidden; ${keyShown(this.keys.of.hide)} shows the blurred page again` : "Shown again, blurred");
  }

  openLegend() {
    this.reveal.hide();
    openLegend(this.legend, this.keys, () => this.fillBar());
  }

  onKey(event) {
    if (isBusy(event) || this.shell.querySelector("dialog[open]")) return;
    const id = this.keys.action(keyName(event));
    if (!id) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && !REPEATING.has(id)) return;
    this.act(id);
  }

  // why: what keeps the server from storing them; they stay in this window until it can. What takes
  // no longer than usual is not told: it would be painted twice for every key.
  pending(count, why) {
    this.grid.dataset.pending = String(count);
    this.unsent = count ? `${count} not stored yet${why ? `: ${why}` : ""}` : "";
    if (count && !why) this.late ??= setTimeout(() => this.tellUnsent(), LATE_MS);
    else this.tellUnsent();
  }

  tellUnsent() {
    clearTimeout(this.late);
    this.late = null;
    this.bar.unsent.textContent = this.unsent;
  }

  count(seen = this.lastSeen) {
    this.lastSeen = seen;
    this.tell("told", seen);
    if (seen) this.bar.seen.textContent = seen.cap ? `${seen.pictures} of ${seen.cap} revealed` : `${seen.pictures} revealed`;
  }

  say(text) {
    this.said.textContent = text;
  }

  // One of our own addresses; see asking.js.
  ask(path, body, more) {
    return request(this.data.token, path, body, more);
  }

  gone() {
    this.above.disconnect();
    this.reveal.stop();
    this.outbox?.stop();
    this.address.stop();
    this.tell("stop");
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (data.only === "keys") return showKeys(parentElement, data);
  const review = (parentElement.review ??= new Review(parentElement));
  review.take(data, setTriggerValue);
  review.unhook?.();
  const onKey = (event) => review.onKey(event);
  const onResize = () => review.fit();
  document.addEventListener("keydown", onKey, true);
  window.addEventListener("resize", onResize);
  review.unhook = () => {
    document.removeEventListener("keydown", onKey, true);
    window.removeEventListener("resize", onResize);
  };
  return () => {
    review.unhook();
    review.gone();
    delete parentElement.review;
  };
}
