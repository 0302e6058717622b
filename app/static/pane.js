// The selected sample: text first, the picture last.

const ASK_AFTER_MS = 60; // before the rest is asked for

class Pane {
  constructor(node) {
    this.head = element("h2");
    this.preview = element("img", { alt: "" });
    this.map = element("canvas", { class: "map", role: "img", "data-testid": "map" });
    this.canvas = element("canvas", { role: "img", "aria-label": "Revealed picture", "data-testid": "clear" });
    this.map.hidden = this.canvas.hidden = true;
    // What scrolls can be scrolled by keys too.
    this.more = element("div", { class: "more", tabindex: "0", role: "group", "aria-label": "Details" });
    this.under = element("p", { class: "under", "data-testid": "under" });
    const picture = element("div", { class: "picture" });
    picture.append(this.preview, this.map, this.canvas);
    node.replaceChildren(this.head, this.more, picture, this.under);
    this.token = "";
    this.open = new Set(); // titles of what is unfolded; a caption is folded again for every sample
    this.asked = null;
    this.timer = null;
  }

  // What the grid knows at once; the rest is asked for when the cursor rests.
  show(card) {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.head.textContent = headline(card);
    previewInto(this.preview, card);
    this.more.replaceChildren(captionOf(card.caption, card.error));
    this.more.scrollTop = 0;
    if (card.gone) return;
    this.timer = setTimeout(() => this.ask(card), ASK_AFTER_MS);
  }

  async ask(card) {
    const asked = new AbortController();
    this.asked = asked;
    try {
      const item = await this.get(`/audit/item/${card.id}`, asked.signal);
      if (!item || this.asked !== asked) return;
      this.head.textContent = headline({ ...card, ...item });
      const folded = !this.more.querySelector("details.caption-fold")?.open;
      this.more.replaceChildren(...this.parts(item));
      const caption = this.more.querySelector("details.caption-fold");
      if (caption && !folded) caption.open = true;
      this.counted?.(item.seen);
      this.arrived?.(card, asked.signal);
    } catch { /* moved on, or no server: what the card says stays */ }
  }

  // More of the sample that is shown, before what is folded.
  add(...parts) {
    const before = this.more.querySelector("details:not(.caption-fold)");
    for (const part of parts) this.more.insertBefore(part, before);
  }

  async get(address, signal) {
    const answer = await request(this.token, address, undefined, { signal });
    return answer.ok ? answer.json() : null;
  }

  parts(item) {
    const scores = item.blind
      ? [element("p", { class: "withheld", text: "Scores are kept back until you have decided." })]
      : [barsOf(item), facts([
        ["Concepts", item.concepts.map(([name, value]) => `${name} ${value.toFixed(2)}`).join(", ")],
        ["Pair", item.pair],
        ["Caption risk", item.caption_risk == null ? null : `${item.caption_type || ""} ${percent(item.caption_risk)}`],
      ])];
    return [
      captionOf(item.caption, item.error),
      ...(item.status === "failed" ? [] : scores),
      facts([["Words read", item.image_text], ["Problem", item.caption ? item.error : null]]),
      this.fold("Where it lies", facts([
        ["Shard", item.shard], ["Member", item.member], ["Offset", item.offset == null ? null : counted(item.offset)],
        ["Bytes", item.size == null ? null : counted(item.size)], ["Picture", item.width && `${item.width} × ${item.height} ${item.format}`],
        ["Key", item.key], ["Uid", item.uid], ["Row", item.row_id],
      ])),
      ...(item.metadata ? [this.fold("Metadata", element("p", { class: "caption", text: item.metadata }))] : []),
      ...(item.decisions.length ? [this.fold(`Decisions (${item.decisions.length})`, pastOf(item.decisions), "Decisions")] : []),
    ];
  }

  // A part that can be unfolded, and stays so for the samples after it.
  fold(title, inside, name = title) {
    const made = fold(title, inside);
    made.open = this.open.has(name);
    made.addEventListener("toggle", () => (made.open ? this.open.add(name) : this.open.delete(name)));
    return made;
  }
}

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
  list.hidden = !list.children.length;
  return list;
}

// Types beside levels, each with a bar as long as it is likely.
function barsOf(item) {
  const both = element("div", { class: "bars" });
  for (const [title, values, said] of [["Types", item.types, item.type], ["Levels", item.levels, item.level]]) {
    const known = Object.entries(values).filter(([, value]) => value != null);
    if (!known.length) continue;
    const table = element("table", { "aria-label": title });
    for (const [name, value] of known) {
      const row = element("tr", name === said ? { class: "said" } : {});
      const track = element("td", { class: "track", "aria-hidden": "true" });
      const bar = element("span");
      bar.style.width = `${100 * value}%`;
      track.append(bar);
      row.append(element("th", { scope: "row", text: name }), track, element("td", { text: value.toFixed(2) }));
      table.append(row);
    }
    both.append(table);
  }
  return both;
}

// What was decided before, also what was undone; the oldest first.
function pastOf(decisions) {
  const list = element("ol", { class: "past" });
  for (const said of decisions) {
    const what = `${said.ruled ? "ruled " : ""}${markTitle(said)}`;
    const line = element("li");
    line.append(element(said.undone ? "s" : "strong", { text: what }), ` ${said.reviewer}, ${whenOf(said.time)}`);
    if (said.undone) line.append(", undone");
    if (said.note) line.append(element("div", { text: said.note }));
    list.append(line);
  }
  return list;
}

function whenOf(time) {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

function captionOf(caption, error) {
  if (!caption) return element("p", { text: error || "No caption" });
  const made = fold("Caption", element("p", { text: caption, class: "caption" }));
  made.classList.add("caption-fold");
  return made;
}
