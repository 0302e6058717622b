// Settling what reviewers disagree about: what each said is shown when it is asked for, after one's
// own look; the usual keys then give the verdict that stands.

class Ruling {
  constructor(review) {
    this.review = review;
    this.panel = element("section", { class: "ruling", tabindex: "0", "aria-label": "What was said", "data-testid": "ruling" });
    this.panel.hidden = true;
    this.review.pane.head.after(this.panel);
  }

  actions(data) {
    return !data.ruling ? [] : [["verdicts", "What was said", "v"]];
  }

  act(id, card) {
    if (id !== "verdicts") return false;
    if (!this.review.data.ruling) this.review.say("The page Decisions shows what each reviewer said");
    else this.show(card);
    return true;
  }

  selected(card) {
    this.panel.hidden = !this.review.data.ruling || !card;
    if (this.panel.hidden) return;
    const button = buttonOf("Show what each reviewer said", () => this.show(card));
    this.panel.replaceChildren(element("p", { text: `${card.said.length === 1 ? "One verdict" : `${card.said.length} verdicts`}; look for yourself first.` }), button);
  }

  show(card) {
    const list = element("dl");
    for (const said of card.said) {
      const how = [said.time.slice(0, 10), said.revealed ? "saw the picture" : "saw the preview only"];
      list.append(element("dt", { text: said.reviewer }), element("dd", { text: markTitle(said) }),
        element("dt"), element("dd", { class: "how", text: how.join(", ") }));
      if (said.note) list.append(element("dt"), element("dd", { text: said.note }));
    }
    this.panel.replaceChildren(list, element("p", { text: "The next verdict you give stands." }));
  }
}

PARTS.push((review) => new Ruling(review));
