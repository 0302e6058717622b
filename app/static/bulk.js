// One decision about many rows: which, what it would do, confirm, undo of the whole. Nothing is
// stored before the confirmation, and the server names the rows: this dialog only shows them.

const MANY_VERDICTS = [
  ["agree", "Agree", "each is as it was scored"],
  ["relabel", "Relabel", "all are of this type and level:"],
  ["keep", "Keep", "all stay"],
  ["drop", "Drop", "all go"],
  ["escalate", "Escalate", "somebody else has to decide"],
];
const EFFECTS = [["kept", "kept"], ["review", "for review"], ["dropped", "dropped"], ["held", "held back"]];

class Bulk {
  constructor(review) {
    this.review = review;
    this.dialog = element("dialog", { class: "bulk", "aria-labelledby": "bulk-title", "data-testid": "bulk" });
    this.dialog.addEventListener("cancel", (event) => this.working && event.preventDefault());
    this.dialog.addEventListener("close", () => this.closed());
    review.shell.append(this.dialog);
    this.chosen = this.asked = 0; // answers to older questions are late
    this.working = false;
    this.changed = false;
  }

  actions() {
    return [["many", "Decide many", "d"]];
  }

  // With a selection, what else would be said of one sample is asked for all that is selected.
  act(id, card) {
    const said = this.review.selection.cards.length ? manyOf(id) : null;
    if (id !== "many" && !said) return false;
    const why = whyNotMany(this.review.data);
    if (why) this.review.say(why);
    else if (card) this.open(said);
    else this.review.say("There is nothing to decide here");
    return true;
  }

  open(said) {
    this.review.reveal.hide();
    const { data, cards, card, selection } = this.review;
    const selected = selection.cards;
    this.ways = [wayOf("page", "This page", cards.filter(({ gone }) => !gone))];
    if (card.members > 1) this.ways.unshift(["cluster", `This one and its near-duplicates: ${samples(card.members)}`, { stacks: [card.id] }]);
    if (selected.length) this.ways.unshift(wayOf("selection", "Selection", selected));
    if (data.set) this.ways.push(["set", `Everything in this queue${data.whole ? "" : ": the first million"}`, { set: data.set }]);
    this.verdict = null;
    this.build();
    if (said) this.preset(said);
    this.dialog.showModal();
    this.choose(selected.length ? "selection" : "page");
  }

  // What a key has said before the dialog was open.
  preset({ verdict, type, level }) {
    this.verdict = verdict;
    this.dialog.querySelector(`input[value=${verdict}]`).checked = true;
    if (type) this.type.value = type;
    if (level || type === "safe") this.level.value = level || "none";
    this.isAsked = true; // to be answered by Enter, once it has been counted
  }

  build() {
    this.count = element("p", { class: "count", role: "status", "data-testid": "bulk-count" });
    this.without = element("ul", { class: "without" });
    this.look = element("ul", { class: "look", "aria-label": "Some of them, spread evenly" });
    this.table = element("table", { class: "effect", "data-testid": "bulk-effect" });
    this.note = element("p", { class: "note", role: "status", "data-testid": "bulk-note" });
    this.bar = element("progress", { "aria-label": "Stored so far" });
    this.bar.hidden = true;
    this.confirm = buttonOf("Decide", () => this.store());
    this.back = buttonOf("Undo all of them", () => this.undo());
    this.back.hidden = true;
    this.leave = buttonOf("Close", () => this.dialog.close());
    const buttons = element("div", { class: "answers" });
    buttons.append(this.confirm, this.back, this.leave);
    this.form = element("div", { class: "sides" });
    const left = element("div");
    const right = element("div");
    left.append(this.choices("Which", "way", this.ways.map(([name, label]) => [name, label]), (name) => this.choose(name)),
      this.count, this.without, this.look);
    right.append(this.choices("What", "verdict", MANY_VERDICTS, (name) => this.say(name)), this.table);
    this.form.append(left, right);
    this.dialog.replaceChildren(element("h2", { text: "Decide for many", id: "bulk-title" }), this.form, this.note, this.bar, buttons);
  }

  // Radio buttons; with relabel the type and the level beside it.
  choices(title, name, options, chosen) {
    const set = element("fieldset");
    set.append(element("legend", { text: title }));
    for (const [value, label, more] of options) {
      const line = element("label", { class: "option" });
      const radio = element("input", { type: "radio", name: `bulk-${name}`, value });
      radio.onchange = () => chosen(value);
      line.append(radio, element("strong", { text: label }), more ? ` ${more}` : "");
      set.append(line);
      if (value === "relabel") set.append(this.labels());
    }
    return set;
  }

  labels() {
    const { types, levels } = this.review.data;
    const line = element("div", { class: "labels" });
    this.type = this.list("Type", ["as scored", ...types]);
    this.level = this.list("Level", ["as scored", ...levels]);
    this.type.onchange = this.level.onchange = () => {
      if (this.type.value === "safe") this.level.value = "none";
      this.dialog.querySelector("input[value=relabel]").checked = true;
      this.say("relabel");
    };
    line.append(this.type, this.level);
    return line;
  }

  list(label, values) {
    const made = element("select", { "aria-label": label });
    values.forEach((value, n) => made.append(element("option", { text: value, value: n ? value : "" })));
    return made;
  }

  async choose(name) {
    const turn = ++this.chosen;
    this.asked += 1;
    this.offer = this.effect = null;
    this.note.textContent = "";
    const radio = this.dialog.querySelector(`input[value=${name}]`);
    radio.checked = true;
    this.count.textContent = "Counting";
    this.without.replaceChildren();
    this.look.replaceChildren();
    this.table.replaceChildren();
    this.ready();
    const [, , body] = this.ways.find(([way]) => way === name);
    const found = await this.ask("/audit/bulk", body);
    if (turn !== this.chosen) return;
    if (!found) {
      this.count.textContent = "";
      return;
    }
    this.offer = found;
    this.tell(found);
    if (this.verdict) this.say(this.verdict);
    else this.ready();
  }

  tell(found) {
    this.count.textContent = samples(found.count);
    const lines = found.left_out.map(([why, count]) => `${counted(count)} left out: ${why}`);
    if (found.near) lines.unshift(`${counted(found.near)} near-duplicates of what is shown come along`);
    if (found.again) lines.push(`${counted(found.again)} you have decided before: this replaces it`);
    this.without.replaceChildren(...lines.map((text) => element("li", { text })));
    this.look.replaceChildren(...found.sample.map((card) => {
      const said = [card.type || "not scored", card.level].filter(Boolean).join(" ");
      const item = element("li", { title: said });
      const image = element("img", { alt: said, draggable: "false" });
      previewInto(image, card);
      item.append(image);
      return item;
    }));
    this.effects(null);
  }

  // The policy's counts of exactly these rows, now and after.
  effects(after) {
    const { before, policy } = this.offer;
    const head = element("tr");
    head.append(element("th", { text: `Policy ${policy}`, scope: "col" }),
      element("th", { text: "now", scope: "col" }), element("th", { text: "then", scope: "col" }));
    const rows = EFFECTS.map(([name, label]) => {
      const row = element("tr");
      row.append(element("th", { text: label, scope: "row" }), element("td", { text: counted(before[name]) }),
        element("td", { text: after ? counted(after[name]) : "…", class: after && after[name] !== before[name] ? "other" : null }));
      return row;
    });
    this.table.replaceChildren(element("caption", { text: "What the policy does with them; copies are not counted" }), head, ...rows);
  }

  async say(verdict) {
    this.verdict = verdict;
    this.effect = null;
    const turn = ++this.asked;
    this.note.textContent = "";
    this.ready();
    if (!this.offer?.count) return;
    this.effects(null);
    const said = this.said();
    if (!said) {
      this.note.textContent = "Choose a type or a level, or both";
      return;
    }
    const found = await this.ask("/audit/effect", { offer: this.offer.offer, say: said });
    if (turn !== this.asked || !found) return;
    this.effect = found;
    this.effects(found.after);
    const silent = this.offer.count - found.count;
    if (silent) this.note.textContent = `${samples(silent)} have no score to agree with, or a hidden one, and are left out`;
    this.ready();
  }

  said() {
    if (this.verdict !== "relabel") return { verdict: this.verdict };
    const type = this.type.value || null;
    const level = this.level.value || null;
    return type || level ? { verdict: "relabel", type, level } : null;
  }

  ready() {
    const count = this.effect?.count || 0;
    this.confirm.disabled = !count || this.working;
    this.confirm.textContent = count ? `Decide ${samples(count)}` : "Decide";
    if (this.isAsked && count) this.confirm.focus();
    if (count) this.isAsked = false;
  }

  async store() {
    const batch = newId();
    const { count } = this.effect;
    const ended = await this.work("/audit/batch", { offer: this.offer.offer, say: this.said(), batch }, "stored");
    if (!ended) return;
    this.batch = batch;
    this.back.hidden = !ended.done;
    const less = count - ended.done;
    this.note.textContent = ended.problem || `Stored: ${samples(ended.done)}${less ? `; ${counted(less)} were locked away meanwhile` : ""}. The page Decisions lists this batch.`;
    this.confirm.hidden = true;
    this.leave.focus();
  }

  async undo() {
    const ended = await this.work("/audit/undo", { batch: this.batch, mark: newId() }, "taken back");
    if (!ended) return;
    this.back.hidden = true;
    this.note.textContent = ended.problem || `Taken back: ${samples(ended.done)}. All is as it was.`;
    this.leave.focus();
  }

  // A job with its progress; null when it could not be begun.
  async work(path, body, what) {
    this.working = this.changed = true;
    this.form.inert = true;
    for (const button of [this.confirm, this.back, this.leave]) button.disabled = true;
    this.bar.hidden = false;
    let ended = null;
    try {
      ended = await runJob((...asked) => this.review.ask(...asked), path, body, (state) => {
        this.bar.max = state.total || 1;
        this.bar.value = state.done;
        this.note.textContent = `${counted(state.done)} of ${counted(state.total)} ${what}`;
      });
    } catch (error) {
      this.note.textContent = error.message;
      this.form.inert = false;
    }
    this.working = false;
    this.bar.hidden = true;
    for (const button of [this.back, this.leave]) button.disabled = false;
    this.ready();
    return ended;
  }

  async ask(path, body) {
    try {
      const answer = await this.review.ask(path, body);
      const found = await answer.json();
      if (answer.ok) return found;
      this.note.textContent = found.error || `failed: ${answer.status}`;
    } catch {
      this.note.textContent = "The server does not answer; try again";
    }
    return null;
  }

  // The cards say what was decided once the page has run again.
  closed() {
    if (this.changed) {
      this.review.selection.clear();
      this.review.fetchPage(this.review.page);
    }
    this.changed = this.isAsked = false;
    this.dialog.replaceChildren();
  }
}

// A card decides for all that it stands for.
function wayOf(name, label, cards) {
  const stacked = cards.some(({ members }) => members > 1);
  const count = `${counted(cards.length)} ${cards.length === 1 ? "card" : "cards"}`;
  return [name, `${label}: ${count}`, { [stacked ? "stacks" : "rows"]: cards.map(({ id }) => id) }];
}

// What an action says when it is about many; null where it says nothing of them.
function manyOf(id) {
  const [what, name] = id.split(":");
  if (what === "type" || what === "only") return { verdict: "relabel", type: name };
  if (what === "level") return { verdict: "relabel", level: name };
  return MANY_VERDICTS.some(([verdict]) => verdict === id) ? { verdict: id } : null;
}

PARTS.push((review) => new Bulk(review));
