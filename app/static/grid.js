// The grid, the decision bar, and what the keys do. State lives on the root element: Streamlit calls
// the export again whenever a page or its data changes.

const LETTERS = { agree: "A", relabel: "R", keep: "K", drop: "D", escalate: "E", quarantine: "L", skip: "S" };
const MOST_UNDO = 200;

function markOf(said) {
  if (!said) return null;
  return { id: said.id, verdict: said.verdict, type: said.type, level: said.level };
}

function markText(mark) {
  const label = [mark.type, mark.level].filter(Boolean).join(" ");
  return mark.verdict === "relabel" ? `${LETTERS.relabel} ${label}` : LETTERS[mark.verdict] || mark.verdict;
}

class Review {
  constructor(root) {
    const find = (name) => root.querySelector(name);
    this.bar = find(".bar");
    this.grid = find(".grid");
    this.said = find(".said");
    this.legend = find(".legend");
    this.shell = find(".review");
    this.pane = new Pane(find(".pane"));
    this.reveal = new Reveal(this.pane.canvas, (text) => this.say(text));
    this.reveal.counted = (seen) => this.count(seen);
    this.pane.counted = (seen) => this.count(seen);
    this.wellbeing = new Wellbeing(this.shell);
    this.cards = [];
    this.cursor = 0;
    this.waiting = false;
    this.cellOf = new Map();
  }

  // New data: the same page again, another page, another queue, or a new token.
  take(data, turn) {
    this.data = data;
    this.turn = turn;
    this.pane.token = this.reveal.token = data.token;
    this.wellbeing.take(data.personal, data.token);
    this.reveal.alwaysGrey = data.personal.always_grey;
    const whose = `${data.catalog}.${data.reviewer || ""}`;
    if (whose !== this.whose) {
      this.whose = whose;
      this.outbox?.stop();
      this.outbox = new Outbox(`audit.outbox.${whose}`, (n) => this.pending(n), (entry, why) => this.refused(entry, why));
      this.undoStore = `audit.undo.${whose}`;
      try { this.done = JSON.parse(sessionStorage.getItem(this.undoStore) || "[]"); } catch { this.done = []; }
      this.actions = actionsOf(data.types, data.levels);
      this.keys = new Keys(this.actions, `audit.keys.${data.reviewer || ""}`);
      this.fillBar();
    }
    const ids = data.cards.map((card) => card.id).join();
    const isNew = ids !== this.ids;
    const before = this.page;
    this.cards = data.cards;
    this.page = data.page;
    this.marks = new Map(data.cards.map((card) => [card.id, markOf(card.mine)]));
    for (const entry of this.outbox.entries) this.overlay(entry);
    if (isNew) {
      this.ids = ids;
      this.reveal.hide();
      this.build();
      const asked = new URL(location.href).searchParams.get("item");
      const at = this.cards.findIndex((card) => card.id === asked);
      this.waiting = false;
      if (before === undefined && at >= 0) this.select(at);
      else this.select(this.turned === -1 && data.page < before ? this.cards.length - 1 : 0);
      this.turned = 0;
      this.wellbeing.announce(this.cards, () => this.turnPage(1));
    } else {
      this.waiting = false;
      this.cards.forEach((card) => this.paint(card));
    }
    this.count(data.seen);
    this.outbox.use(data.token);
  }

  overlay(entry) {
    if (!this.marks.has(entry.row_id)) return;
    this.marks.set(entry.row_id, entry.verdict === "undo" ? null : markOf(entry));
  }

  fillBar() {
    const groups = [
      ["agree", "keep", "drop", "escalate", "skip", "undo"],
      this.data.types.map((name) => `type:${name}`),
      this.data.levels.map((name) => `level:${name}`),
      ["reveal", "grey", "hide", "previous", "next", "lock", "legend"],
    ];
    const readOnly = !this.data.reviewer;
    const looking = new Set(groups[3].filter((id) => id !== "lock").concat("skip"));
    this.bar.replaceChildren(...groups.map((ids) => {
      const group = element("div", { class: "group", role: "group" });
      for (const id of ids) {
        const action = this.actions.find((each) => each.id === id);
        const button = element("button", { type: "button", "data-action": id });
        button.append(element("kbd", { text: keyShown(this.keys.of[id]), "aria-hidden": "true" }), ` ${action.label}`);
        button.setAttribute("aria-keyshortcuts", this.keys.of[id]);
        button.disabled = readOnly && !looking.has(id);
        button.onclick = (event) => this.act(id.startsWith("type:") && event.shiftKey ? id.replace("type:", "pick:") : id);
        group.append(button);
      }
      return group;
    }));
    const rest = element("div", { class: "group rest" });
    this.place = element("span", { "data-testid": "place" });
    this.unsent = element("span", { "data-testid": "unsent" });
    this.seen = element("span", { "data-testid": "seen" });
    rest.append(this.place, this.seen, this.unsent);
    if (readOnly) rest.append(element("strong", { text: "Read-only: no reviewer name was given" }));
    this.bar.append(rest);
  }

  build() {
    this.cellOf.clear();
    this.grid.replaceChildren(...this.cards.map((card, n) => {
      const cell = element("div", { role: "option", id: `o${n}`, class: "cell", "data-row": card.id });
      const thumb = element("div", { class: "thumb" });
      const image = element("img", { alt: "", draggable: "false" });
      previewInto(image, card);
      thumb.append(image);
      if (!card.preview && !card.gone && !card.error) this.fetchPreview(card, image);
      if (card.gone || card.error) thumb.append(element("span", { class: "why", text: card.gone ? "gone" : card.error }));
      const line = element("div", { class: "line" });
      const isScored = !card.gone && card.status !== "failed";
      line.append(element("span", { text: isScored ? card.type || "no type" : card.gone ? headline(card) : "not scored" }), " ");
      if (isScored) line.append(element("span", { text: `${card.level || "no level"} ${percent(card.risk)}` }));
      const mark = element("span", { class: "mark" });
      cell.append(thumb, mark, line);
      cell.onclick = () => { this.select(n); this.grid.focus({ preventScroll: true }); };
      this.cellOf.set(card.id, { cell, mark });
      this.paint(card);
      return cell;
    }));
  }

  // Rows scanned without previews: made by the server, small and grey like the others.
  async fetchPreview(card, image) {
    try {
      const answer = await fetch(`/audit/preview/${card.id}`, { headers: { "x-audit-token": this.data.token } });
      if (!answer.ok) {
        const { error } = await answer.json();
        image.parentElement.append(element("span", { class: "why", text: error }));
        return;
      }
      const bytes = new Uint8Array(await answer.arrayBuffer());
      card.preview = btoa(String.fromCharCode(...bytes));
      previewInto(image, card);
      if (this.cards[this.cursor] === card) previewInto(this.pane.preview, card);
    } catch { /* the grey field stays */ }
  }

  paint(card) {
    const { cell, mark } = this.cellOf.get(card.id);
    const found = this.marks.get(card.id);
    mark.textContent = found ? markText(found) : card.others ? "•" : "";
    mark.title = found ? [found.verdict, found.type, found.level].filter(Boolean).join(" ") : card.others ? "decided by others" : "";
    if (found) cell.dataset.verdict = found.verdict;
    else delete cell.dataset.verdict;
  }

  select(n) {
    if (!this.cards.length) return;
    const to = Math.min(Math.max(n, 0), this.cards.length - 1);
    if (this.cards[to].id !== this.reveal.id) this.reveal.hide();
    this.grid.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    this.cursor = to;
    const card = this.cards[to];
    const { cell } = this.cellOf.get(card.id);
    cell.setAttribute("aria-selected", "true");
    this.grid.setAttribute("aria-activedescendant", cell.id);
    this.grid.dataset.cursor = String(to);
    cell.scrollIntoView({ block: "nearest" });
    this.place.textContent = `${this.data.first + to + 1} of ${this.data.total}`;
    this.pane.show(card);
    this.picked = null;
    this.looked = false;
    this.since = performance.now();
    clearTimeout(this.addressTimer);
    this.addressTimer = setTimeout(() => this.writeAddress(card.id), 250);
  }

  writeAddress(id) {
    const address = new URL(location.href);
    address.searchParams.set("item", id);
    history.replaceState(history.state, "", address);
  }

  advance(by = 1) {
    const to = this.cursor + by;
    if (to >= 0 && to < this.cards.length) this.select(to);
    else this.turnPage(Math.sign(by));
  }

  turnPage(by) {
    this.reveal.hide();
    if (this.page + by < 1 || this.page + by > this.data.pages) {
      this.say(by > 0 ? "The end of this queue" : "The beginning of this queue");
      return;
    }
    this.waiting = true; // keys wait too: they must not decide the old page's last sample again
    this.turned = by;
    this.say("Turning the page");
    this.turn(by);
  }

  act(id) {
    if (id === "legend") return this.openLegend();
    if (id === "hide") return this.curtain();
    if (this.waiting || this.shell.classList.contains("hidden")) return undefined;
    const columns = Math.max(1, getComputedStyle(this.grid).gridTemplateColumns.split(" ").length);
    const step = { next: 1, previous: -1, down: columns, up: -columns }[id];
    if (step === 1 || step === -1) return this.advance(step);
    if (step) return this.select(this.cursor + step);
    const card = this.cards[this.cursor];
    if (id === "skip") return this.advance();
    if (id === "reveal") return this.toggleReveal(card);
    if (id === "grey") return this.reveal.colour();
    if (!this.data.reviewer) return this.say("Read-only: no reviewer name was given");
    if (id === "undo") return this.undo(card);
    if (card.gone) return this.say("This sample is gone");
    const [what, name] = id.split(":");
    if (what === "pick") {
      this.picked = name;
      return this.say(`${name}: press the level`);
    }
    if (what === "type") return this.decide(card, { verdict: "relabel", type: name, level: name === "safe" ? "none" : null });
    if (what === "level") {
      const mine = this.marks.get(card.id);
      let type = this.picked || (mine?.verdict === "relabel" ? mine.type : null);
      if (type === "safe" && name !== "none") type = null;
      return this.decide(card, { verdict: "relabel", type, level: name });
    }
    if (id === "agree" && !card.type) return this.say("It has no score to agree with");
    if (id === "lock") return this.lock(card);
    return this.decide(card, { verdict: id });
  }

  decide(card, said) {
    const entry = {
      id: crypto.randomUUID().replaceAll("-", ""), row_id: card.id, type: null, level: null, ...said,
      revealed: this.looked || this.reveal.shown, seconds: Math.round(performance.now() - this.since) / 1000,
    };
    this.remember({ row: card.id, id: entry.id, before: this.marks.get(card.id) || null });
    this.marks.set(card.id, markOf(entry));
    this.paint(card);
    this.say(`${[entry.verdict, entry.type, entry.level].filter(Boolean).join(" ")}; ${keyShown(this.keys.of.undo)} undoes`);
    this.advance();
    this.outbox.add(entry);
  }

  lock(card) {
    const { cell } = this.cellOf.get(card.id);
    this.reveal.hide();
    cell.querySelector("img").remove();
    cell.querySelector(".thumb").append(element("span", { class: "why", text: "locked away" }));
    card.preview = null;
    card.gone = card.locked = true;
    this.decide(card, { verdict: "quarantine" });
    this.say("Locked away: nobody is shown it any more. Follow your team's instructions.");
  }

  remember(entry) {
    this.done.push(entry);
    this.done.splice(0, this.done.length - MOST_UNDO);
    try { sessionStorage.setItem(this.undoStore, JSON.stringify(this.done)); } catch { /* full */ }
  }

  undo(card) {
    let last = this.done.pop();
    if (!last) {
      const mine = this.marks.get(card.id);
      if (!mine?.id) return this.say("Nothing to undo");
      last = { row: card.id, id: mine.id, before: null };
    }
    try { sessionStorage.setItem(this.undoStore, JSON.stringify(this.done)); } catch { /* full */ }
    const at = this.cards.findIndex(({ id }) => id === last.row);
    if (at >= 0) {
      this.marks.set(last.row, last.before);
      this.paint(this.cards[at]);
      this.select(at);
    }
    this.outbox.add({
      id: crypto.randomUUID().replaceAll("-", ""), row_id: last.row, verdict: "undo", undoes: last.id,
      revealed: false, seconds: 0,
    });
    return this.say(this.cards[at]?.locked ? "Undone; the page shows it again when it is reloaded" : "Undone");
  }

  async toggleReveal(card) {
    if (this.reveal.id === card.id) return this.reveal.hide();
    if (card.gone) return this.say("This sample is gone");
    const shown = await this.reveal.show(card.id);
    if (shown && this.cards[this.cursor] === card) this.looked = true;
    if (shown) this.count({ ...this.lastSeen, pictures: this.lastSeen.pictures + 1 });
    return undefined;
  }

  // Everything out of sight at once, the small previews too; the same key brings those back.
  curtain() {
    this.reveal.hide();
    const hidden = this.shell.classList.toggle("hidden");
    this.say(hidden ? `Hidden; ${keyShown(this.keys.of.hide)} shows the blurred page again` : "Shown again, blurred");
  }

  openLegend() {
    this.reveal.hide();
    fillLegend(this.legend, this.keys, () => this.fillBar() || this.select(this.cursor) || this.pending(this.outbox.entries.length) || this.count());
    this.legend.showModal();
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

  pending(count) {
    this.grid.dataset.pending = String(count);
    if (this.unsent) this.unsent.textContent = count ? `${count} not stored yet` : "";
  }

  refused(entry, why) {
    this.say(`Not stored: ${why}`);
    if (entry && this.marks.has(entry.row_id)) {
      this.marks.set(entry.row_id, null);
      const card = this.cards.find(({ id }) => id === entry.row_id);
      if (card) this.paint(card);
    }
  }

  count(seen = this.lastSeen) {
    this.lastSeen = seen;
    this.wellbeing.told(seen);
    if (seen && this.seen) this.seen.textContent = `${seen.pictures} revealed`;
  }

  say(text) {
    this.said.textContent = text;
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const review = (parentElement.review ??= new Review(parentElement));
  review.take(data, (by) => setTriggerValue("turn", by));
  review.unhook?.();
  const onKey = (event) => review.onKey(event);
  const onHide = () => review.reveal.hide();
  const onVisibility = () => document.hidden && review.reveal.hide();
  document.addEventListener("keydown", onKey, true);
  window.addEventListener("blur", onHide);
  document.addEventListener("visibilitychange", onVisibility);
  review.unhook = () => {
    document.removeEventListener("keydown", onKey, true);
    window.removeEventListener("blur", onHide);
    document.removeEventListener("visibilitychange", onVisibility);
  };
  return () => {
    review.unhook();
    review.reveal.hide();
    review.outbox.stop();
  };
}
