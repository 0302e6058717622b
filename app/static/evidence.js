// Where the scorer found what it says: light on the small blurred picture, the rest darkened.

const AGAIN_MS = 700; // while the scorer is being loaded

class EvidenceMap {
  constructor(review) {
    this.review = review;
    this.asked = null;
  }

  actions() {
    return [["evidence", "Evidence map", "w"]];
  }

  selected() {
    this.clear();
  }

  stop() {
    this.clear();
  }

  act(id, card) {
    if (id !== "evidence") return false;
    if (this.asked) this.clear();
    else if (card.gone) this.review.say("This sample is gone");
    else this.show(card);
    return true;
  }

  async show(card) {
    const asked = new AbortController();
    this.asked = asked;
    this.review.say("Asking the scorer");
    try {
      let answer = await this.review.ask(`/audit/evidence/${card.id}`, undefined, { signal: asked.signal });
      while (answer.status === 202) {
        this.review.say("Loading the scorer; that takes a moment the first time");
        await new Promise((after) => setTimeout(after, AGAIN_MS));
        if (this.asked !== asked) return;
        answer = await this.review.ask(`/audit/evidence/${card.id}`, undefined, { signal: asked.signal });
      }
      const found = await answer.json();
      if (this.asked !== asked) return;
      if (!answer.ok) {
        this.asked = null;
        this.review.say(`No map: ${found.error}`);
        return;
      }
      this.draw(found);
    } catch {
      if (this.asked !== asked) return; // moved on
      this.asked = null;
      this.review.say("No map: the server does not answer");
    }
  }

  draw({ what, width, height, heat }) {
    const { map, under } = this.review.pane;
    const bytes = Uint8Array.from(atob(heat), (each) => each.charCodeAt(0));
    const veil = new ImageData(width, height); // black where there is nothing, a little white where most is
    bytes.forEach((share, n) => veil.data.set([share, share, share, 190 - 0.4 * share], 4 * n));
    map.width = width;
    map.height = height;
    map.getContext("2d").putImageData(veil, 0, 0);
    const said = `Light: what speaks for ${what}`;
    map.setAttribute("aria-label", said);
    map.hidden = false;
    under.textContent = said;
    this.review.say(said);
  }

  clear() {
    this.asked?.abort();
    this.asked = null;
    const { map, under } = this.review.pane;
    map.hidden = true;
    map.width = map.height = 0;
    under.textContent = "";
  }
}

PARTS.push((review) => new EvidenceMap(review));
