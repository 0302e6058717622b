// The selected sample: text first, the picture last.

function fold(title, ...inside) {
  const made = element("details");
  made.append(element("summary", { text: title }), ...inside);
  return made;
}

function facts(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) {
    if (value == null || value === "") continue;
    list.append(element("dt", { text: name }), element("dd", { text: String(value) }));
  }
  return list;
}

class Pane {
  constructor(node) {
    this.head = element("h2");
    this.preview = element("img", { alt: "" });
    this.canvas = element("canvas", { role: "img", "aria-label": "Revealed picture", "data-testid": "clear" });
    this.canvas.hidden = true;
    this.more = element("div");
    const picture = element("div", { class: "picture" });
    picture.append(this.preview, this.canvas);
    node.replaceChildren(this.head, this.more, picture);
    this.token = "";
    this.asked = null;
    this.timer = null;
  }

  // What the grid knows at once; the rest is asked for when the cursor rests.
  show(card) {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.head.textContent = headline(card);
    previewInto(this.preview, card);
    this.more.replaceChildren(captionOf(card));
    if (card.gone) return;
    this.timer = setTimeout(() => this.ask(card), 60);
  }

  async ask(card) {
    const asked = new AbortController();
    this.asked = asked;
    try {
      const answer = await fetch(`/audit/item/${card.id}`, {
        headers: { "x-audit-token": this.token }, cache: "no-store", signal: asked.signal,
      });
      if (!answer.ok) return;
      const item = await answer.json();
      if (this.asked !== asked) return;
      const wasOpen = this.more.querySelector("details")?.open;
      this.more.replaceChildren(...this.parts(card, item));
      if (wasOpen) this.more.querySelector("details").open = true;
    } catch { /* moved on, or no server: what the card says stays */ }
  }

  parts(card, item) {
    const byValue = (found) => Object.entries(found).filter(([, value]) => value != null)
      .sort((a, b) => b[1] - a[1]).slice(0, 3).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ");
    const said = item.decisions.map((d) => [d.reviewer, [d.verdict, d.type, d.level, d.time].filter(Boolean).join(" ")]);
    return [
      captionOf(card),
      facts([
        ["Types", byValue(item.types)], ["Levels", byValue(item.levels)],
        ["Concepts", item.concepts.map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ")],
        ["Caption risk", item.caption_risk == null ? null : `${item.caption_type || ""} ${percent(item.caption_risk)}`],
        ["Pair", item.pair], ["Words read", item.image_text], ["Problem", item.error],
      ]),
      fold("Where it lies", facts([
        ["Shard", item.shard], ["Member", item.member], ["Offset", item.offset], ["Bytes", item.size],
        ["Picture", item.width && `${item.width} × ${item.height} ${item.format}`], ["Uid", item.uid], ["Row", item.row_id],
        ["Metadata", item.metadata],
      ])),
      ...(said.length ? [fold(`Decisions (${said.length})`, facts(said))] : []),
    ];
  }
}

function captionOf(card) {
  if (!card.caption) return element("p", { text: card.error || "No caption" });
  const made = fold("Caption", element("p", { text: card.caption, class: "caption" }));
  return made;
}
