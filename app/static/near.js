// What people said about pictures like the selected one, and its near-duplicates; asked for when
// the cursor has rested, because it takes a search.

const NEAR_AFTER_MS = 250;

class Near {
  constructor(review) {
    this.review = review;
    this.timer = null;
  }

  arrived(card, signal) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show(card, signal), NEAR_AFTER_MS);
  }

  stop() {
    clearTimeout(this.timer);
  }

  async show(card, signal) {
    try {
      const found = await this.review.pane.get(`/audit/near/${card.id}`, signal);
      if (found && !signal.aborted) this.review.pane.add(...partsOf(found));
    } catch { /* moved on, or no server: the pane does without */ }
  }
}

function partsOf({ blind, decided, none, cluster, like }) {
  const parts = [];
  if (cluster) {
    const line = element("p");
    line.append(`One of ${cluster.size} near-duplicates: `, linkTo("see them", cluster.address));
    parts.push(line);
  }
  if (blind) return parts;
  if (like) {
    const title = element("p");
    title.append(decided.length ? "Decided pictures like it: " : "Pictures like it: ", linkTo("see all", like));
    parts.push(title);
  }
  if (none) parts.push(element("p", { class: "quiet", text: none }));
  const list = element("ul", { class: "near" });
  for (const said of decided) {
    const line = element("li");
    line.append(element("span", { text: markTitle(said) }), element("span", { text: `${said.alike.toFixed(2)} alike` }));
    list.append(line);
  }
  if (decided.length) parts.push(list);
  return parts;
}

function linkTo(text, query) {
  return element("a", { text, href: `search?${query}` });
}

PARTS.push((review) => new Near(review));
