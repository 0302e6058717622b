// A line with a decision: about the latest one, or about that of the sample one has gone back to.

const MOST_NOTE = 500; // characters

class Noting {
  constructor(review) {
    this.review = review;
    this.dialog = element("dialog", { class: "noting", "aria-labelledby": "noting", "data-testid": "noting" });
    this.dialog.addEventListener("close", () => this.dialog.replaceChildren());
    review.shell.append(this.dialog);
    this.justDecided = false;
  }

  actions() {
    return [["note", "Note", "t"]];
  }

  selected() {
    this.justDecided = false;
  }

  decided() {
    this.justDecided = true;
  }

  act(id, card) {
    if (id !== "note") return false;
    const { review } = this;
    const mark = review.marks.get(card.id);
    const here = !this.justDecided && mark?.id ? { row: card.id, mark } : null;
    const about = here || review.undoing.last;
    if (!review.data.reviewer) review.say("Read-only: no reviewer name was given");
    else if (about?.mark) this.open(about);
    else review.say("Nothing was decided yet that a note could go with");
    return true;
  }

  open({ row, mark }) {
    this.review.reveal.hide();
    const at = this.review.cards.findIndex(({ id }) => id === row);
    const where = at < 0 ? "on another page" : `number ${at + 1} on this page`;
    const field = element("input", { type: "text", maxlength: MOST_NOTE, "aria-labelledby": "noting", autofocus: "" });
    field.value = mark.note || "";
    const form = element("form", { method: "dialog" });
    const buttons = element("div", { class: "answers" });
    buttons.append(element("button", { text: "Add" }), buttonOf("Cancel", () => this.dialog.close()));
    form.append(element("h2", { text: `A note with your decision: ${markTitle(mark)}`, id: "noting" }),
      element("p", { text: `The sample is ${where}. Whoever reads the log, or settles a disagreement, sees it.` }), field, buttons);
    form.onsubmit = () => this.store(row, mark, field.value.trim());
    this.dialog.replaceChildren(form);
    this.dialog.showModal();
  }

  // The same decision with a note takes the place of the one without.
  store(row, mark, note) {
    if (note === (mark.note || "")) return;
    const { review } = this;
    const { verdict, type, level } = mark;
    const entry = { id: newId(), row_id: row, verdict, type, level, note, noted: mark.id, revealed: false, seconds: 0 };
    review.undoing.replace(mark.id, markOf(entry));
    review.overlay(entry);
    const card = review.cards.find(({ id }) => id === row);
    if (card) review.paint(card);
    review.outbox.add(entry);
    review.say(`${note ? "Noted" : "Note removed"}; ${keyShown(review.keys.of.undo)} undoes the decision with it`);
  }

  stop() {
    this.dialog.remove();
  }
}

PARTS.push((review) => new Noting(review));
