// New results: the catalog was replaced since these rows were found in it. They stay until renewed.

const LOOK_MS = 5000;

class Editions {
  constructor(review) {
    this.review = review;
    this.note = review.shell.querySelector(".news");
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  take(data) {
    this.show(data.latest);
  }

  async look() {
    if (document.hidden || !this.review.data) return;
    try {
      const answer = await this.review.ask("/audit/edition");
      if (answer.ok) this.show((await answer.json()).latest);
    } catch { /* no server: the next look tells */ }
  }

  show(latest) {
    const { edition } = this.review.data;
    const text = edition && edition !== latest ? "New results: the catalog was replaced. This queue stays until it is renewed." : "";
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  stop() {
    clearInterval(this.timer);
  }
}

PARTS.push((review) => new Editions(review));
