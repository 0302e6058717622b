// What keeps the work bearable: blur as one likes it, a word before a hard batch, pauses.

const HARD_SHARE = 0.5; // of a batch at level high, from which on it is announced

class Wellbeing {
  constructor(shell) {
    this.shell = shell;
    this.dialog = element("dialog", { class: "word", "data-testid": "word" });
    this.dialog.addEventListener("cancel", (event) => event.preventDefault()); // it asks to be answered
    shell.append(this.dialog);
    this.token = "";
    this.settings = {};
  }

  // Settings of the person, as the server keeps them.
  take(settings, token) {
    this.settings = settings;
    this.token = token;
    const strength = settings.blur / 100;
    this.shell.style.setProperty("--blur-small", `${8 * strength}px`);
    this.shell.style.setProperty("--blur-large", `${18 * strength}px`);
  }

  get open() {
    return this.dialog.open;
  }

  // Before a batch in which most are high; nothing of it is seen until the answer.
  announce(cards, skip) {
    this.shell.classList.remove("covered");
    if (this.dialog.open) this.dialog.close();
    const text = this.settings.notice ? hardness(cards) : "";
    if (!text) return;
    this.shell.classList.add("covered");
    this.ask(`Next ${cards.length}: ${text}`, "Continue when you are ready, or leave it to others.", [
      ["Continue", () => this.shell.classList.remove("covered")],
      ["Skip this batch", () => {
        this.shell.classList.remove("covered");
        skip();
      }],
    ]);
  }

  // What the server counted; it says when a pause is due.
  told(seen) {
    if (!seen?.pause || this.dialog.open) return;
    this.ask("Time for a pause?", `${seen.pause} When to ask is your choice: see Settings.`, [
      ["Pause", () => this.rest()],
      ["Go on", () => this.paused()],
    ]);
  }

  rest() {
    this.shell.classList.add("covered");
    this.ask("Pause", "Nothing is shown. Look at something far away, walk a little.", [
      ["I am back", () => {
        this.shell.classList.remove("covered");
        this.paused();
      }],
    ]);
  }

  // Counting begins anew.
  paused() {
    fetch("/audit/exposure", {
      method: "POST", keepalive: true,
      headers: { "content-type": "application/json", "x-audit-token": this.token },
      body: JSON.stringify({ paused: true }),
    }).catch(() => {});
  }

  // The heading has the focus: a key meant for the grid presses no button.
  ask(title, text, answers) {
    const head = element("h2", { text: title, tabindex: "-1" });
    const buttons = element("div", { class: "answers" });
    for (const [label, then] of answers) {
      const button = element("button", { type: "button", text: label });
      button.onclick = () => {
        this.dialog.close();
        then();
      };
      buttons.append(button);
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
