// Cards whose scores were kept back so that they lead nobody: shown once the decision is stored.

class Blind {
  constructor(review) {
    this.review = review;
    this.waiting = new Map(); // decision -> card
  }

  decided(entry) {
    const card = this.review.cards.find(({ id }) => id === entry.row_id);
    if (card?.blind) this.waiting.set(entry.id, card);
  }

  async stored(ids) {
    for (const id of ids) {
      const card = this.waiting.get(id);
      this.waiting.delete(id);
      if (card) await this.show(card).catch(() => {}); // it stays hidden until the page is turned
    }
  }

  async show(card) {
    const answer = await this.review.ask(`/audit/item/${card.id}`);
    if (!answer.ok) return;
    const { type, level, risk, blind } = await answer.json();
    if (blind) return;
    Object.assign(card, { type, level, risk, blind: false });
    this.review.cells.drawLine(card);
  }
}

PARTS.push((review) => new Blind(review));
