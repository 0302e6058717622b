// Cards whose scores were kept back so that they lead nobody: shown once the decision is stored.

class Blind {
  constructor(review) {
    this.review = review;
    this.waiting = new Map(); // decision -> row
  }

  decided(entry) {
    if (this.cardOf(entry.row_id)?.blind) this.waiting.set(entry.id, entry.row_id);
  }

  async stored(ids) {
    for (const id of ids) {
      const row = this.waiting.get(id);
      this.waiting.delete(id);
      if (row) await this.show(row).catch(() => {}); // it stays hidden until the page is turned
    }
  }

  async show(row) {
    const answer = await this.review.ask(`/audit/item/${row}`);
    if (!answer.ok) return;
    const { type, level, risk, blind } = await answer.json();
    const card = this.cardOf(row);
    if (blind || !card) return;
    Object.assign(card, { type, level, risk, blind: false });
    this.review.cells.drawLine(card);
  }

  cardOf(row) {
    return this.review.cards.find(({ id }) => id === row);
  }
}

PARTS.push((review) => new Blind(review));
