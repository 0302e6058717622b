// What a key or button says of the sample under the cursor: stored at once, shown at once, undone.

class Deciding {
  constructor(review) {
    this.review = review;
    this.begun();
  }

  // The cursor has come to a sample.
  begun() {
    this.picked = null; // a type whose level is still to come: by itself it would not be all of a label
    this.review.bar.pick(null);
    this.looked = false;
    this.since = performance.now();
  }

  act(id, card) {
    const { review } = this;
    if (!review.data.reviewer) return review.say("Read-only: no reviewer name was given");
    if (id === "undo") return this.undo(card);
    if (card.gone) return review.say("This sample is gone");
    if (review.ending.shown && review.marks.get(card.id)) {
      return review.say(`This is the end; ${keyShown(review.keys.of.undo)} takes the last decision back`);
    }
    const [what, name] = id.split(":");
    if (what === "type" && name !== "safe" && name !== this.picked) return this.pick(id, name);
    if (what === "type" || what === "only") return this.decide(card, { verdict: "relabel", type: name, level: name === "safe" ? "none" : null });
    if (what === "level") return this.decide(card, { verdict: "relabel", type: this.typeFor(card, name), level: name });
    if (id === "agree" && card.blind) return review.say("Its score is hidden: say what you see");
    if (id === "agree" && !card.type) return review.say("It has no score to agree with");
    if (id === "lock") return this.lock(card);
    return this.decide(card, { verdict: id });
  }

  pick(id, name) {
    const { bar, data, keys } = this.review;
    this.picked = name;
    bar.pick(name);
    const levels = data.levels.map((level) => keyShown(keys.of[`level:${level}`])).join(" ");
    this.review.say(`${name}: now its level, ${levels}; ${keyShown(keys.of[id])} again for none`);
  }

  // The type that a level is said of: the one just picked, or the one said before.
  typeFor(card, level) {
    const mine = this.review.marks.get(card.id);
    const type = this.picked || (mine?.verdict === "relabel" ? mine.type : null);
    return type === "safe" && level !== "none" ? null : type;
  }

  decide(card, said) {
    const { review } = this;
    const entry = {
      id: newId(), row_id: card.id, type: null, level: null, given: card.given, cluster: card.cluster,
      scorer: review.data.scorer,
      rules: review.data.ruling || undefined, ...said,
      revealed: this.looked || review.reveal.shown, seconds: Math.round(performance.now() - this.since) / 1000,
    };
    this.begun(); // also where it was the last, and the cursor stays
    const mark = markOf(entry);
    review.undoing.push({ row: card.id, id: entry.id, mark, before: review.marks.get(card.id) || null });
    review.marks.set(card.id, mark);
    review.paint(card);
    const stack = card.members > 1 ? ` (all ${card.members})` : "";
    const { undo, note } = review.keys.of;
    const more = entry.verdict === "escalate" ? `, ${keyShown(note)} says why` : "";
    review.say(`${markTitle(entry)}${stack}; ${keyShown(undo)} undoes${more}`);
    review.advance();
    review.outbox.add(entry);
    review.tell("decided", entry);
  }

  lock(card) {
    this.review.reveal.hide();
    this.review.cells.lock(card);
    card.gone = card.locked = true;
    this.decide(card, { verdict: "quarantine" });
    this.review.say("Locked away: nobody is shown it any more. Follow your team's instructions.");
  }

  undo(card) {
    const { review } = this;
    let last = review.undoing.pop();
    if (!last) {
      const mine = review.marks.get(card.id);
      if (!mine?.id) return review.say("Nothing to undo");
      last = { row: card.id, id: mine.id, before: null };
    }
    const at = review.cards.findIndex(({ id }) => id === last.row);
    if (at >= 0) {
      review.marks.set(last.row, last.before);
      review.paint(review.cards[at]);
      review.select(at);
    }
    review.outbox.add({ id: newId(), row_id: last.row, verdict: "undo", undoes: last.id, revealed: false, seconds: 0 });
    return review.say(review.cards[at]?.locked ? "Undone; the page shows it again when it is reloaded" : "Undone");
  }

  // These were handed on while nobody was here: both decisions are kept, and compared.
  taken(rows) {
    const what = rows.length > 1 ? `${rows.length} of these samples were` : "This sample was";
    this.review.say(`Stored. ${what} given to somebody else while you were away; both decisions are kept`);
  }

  // The server would not have it.
  refused(entry, why) {
    const { review } = this;
    review.say(`Not stored: ${why}`);
    if (!entry) return;
    const former = entry.noted ? { ...markOf(entry), id: entry.noted, note: "" } : null; // it has no note
    if (former) review.undoing.replace(entry.id, former);
    if (!review.marks.has(entry.row_id)) return;
    review.marks.set(entry.row_id, former);
    const card = review.cards.find(({ id }) => id === entry.row_id);
    if (card) review.paint(card);
  }
}

function newId() {
  return crypto.randomUUID().replaceAll("-", "");
}
