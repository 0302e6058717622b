// What keeps the work bearable: blur as one likes it, a word before a hard batch, pauses.

const HARD_SHARE = 0.5; // of a batch at level high, from which on it is announced

class Wellbeing {
  constructor(review) {
    this.review = review;
    this.shell = review.shell;
    this.dialog = element("dialog", { class: "word", "data-testid": "word" });
    this.dialog.addEventListener("cancel", (event) => event.preventDefault()); // it asks to be answered
    this.shell.append(this.dialog);
    this.begun = false;
  }

  take(data, isNew) {
    const { blur, always_grey: alwaysGrey } = data.personal;
    this.shell.style.setProperty("--blur-small", `${0.08 * blur}px`);
    this.shell.style.setProperty("--blur-large", `${0.18 * blur}px`);
    this.review.reveal.alwaysGrey = alwaysGrey;
    if (isNew) this.announce(data.cards, data.personal.notice);
  }

  // Before a batch in which most are high; nothing of it is seen until the answer.
  announce(cards, isWanted) {
    this.uncover();
    this.dialog.close();
    const text = isWanted ? hardness(cards) : "";
    if (!text) return;
    this.cover();
    this.ask(`Next ${cards.length}: ${text}`, "Continue when you are ready, or leave it to others.", [
      ["Continue", () => this.uncover()],
      ["Skip this batch", () => {
        this.uncover();
        this.review.turnPage(1);
      }],
    ]);
  }

  // What a person had locked away is not to be handled by this tool, but by the team's own rules.
  decided(entry) {
    const text = this.review.data.locked;
    if (entry.verdict === "quarantine" && text) this.ask("Locked away", text, [["Go on", () => {}]]);
  }

  // What the server counted; it says when a pause is due.
  told(seen) {
    if (!seen?.pause || this.begun || this.dialog.open) return;
    this.ask("Time for a pause?", `${seen.pause} When to ask is your choice: see Settings.`, [
      ["Pause", () => this.rest()],
      ["Go on", () => this.paused()],
    ]);
  }

  rest() {
    this.review.reveal.hide();
    this.cover();
    this.ask("Pause", "Nothing is shown. Look at something far away, walk a little.", [
      ["I am back", () => {
        this.uncover();
        this.paused();
      }],
    ]);
  }

  cover() {
    this.shell.classList.add("covered");
  }

  uncover() {
    this.shell.classList.remove("covered");
  }

  // Counting begins anew; what the server said before it knew that is not heeded.
  async paused() {
    this.begun = true;
    this.review.lastSeen = { ...this.review.lastSeen, pause: null };
    await this.review.ask("/audit/exposure", { paused: true }, { keepalive: true }).catch(() => {});
    this.begun = false;
  }

  stop() {
    this.dialog.remove();
  }

  // The heading has the focus: a key meant for the grid presses no button.
  ask(title, text, answers) {
    const head = element("h2", { text: title, tabindex: "-1" });
    const buttons = element("div", { class: "answers" });
    for (const [label, then] of answers) {
      buttons.append(buttonOf(label, () => {
        this.dialog.close();
        then();
      }));
    }
    this.dialog.setAttribute("aria-label", title);
    this.dialog.replaceChildren(head, element("p", { text }), buttons);
    if (!this.dialog.open) this.dialog.showModal();
    head.focus();
  }
}

// "illegal 31 high, insults 4 high" where at least half are; else "".
function hardness(cards) {
  const high = cards.filter((card) => card.level === "high" && !card.gone);
  if (!high.length || high.length < HARD_SHARE * cards.length) return "";
  const counts = new Map();
  for (const { type } of high) counts.set(type || "no type", (counts.get(type || "no type") || 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([type, count]) => `${type} ${count} high`).join(", ");
}

PARTS.push((review) => new Wellbeing(review));
