// The decision bar: every action as a button with its key, and what is counted.

const LOOKING = new Set(["skip", "reveal", "grey", "hide", "previous", "next", "page:next", "page:previous", "evidence", "search", "leave", "legend"]); // nothing is stored

// What a button shows of its label where that is longer than the room for it.
const SHORT = { grey: "Grey", hide: "Hide", previous: "", next: "", select: "Select", evidence: "Evidence", lock: "Lock", leave: "Done", many: "Many" };

class Bar {
  // act(id): a button was pressed; counts: where the figures and the pager go.
  constructor(node, counts, pager, act) {
    this.node = node;
    this.act = act;
    this.place = element("span", { "data-testid": "place" });
    this.unsent = element("strong", { "data-testid": "unsent" });
    this.seen = element("span", { "data-testid": "seen" });
    this.readOnly = element("strong", { text: "Read-only: no reviewer name was given" });
    this.who = element("span", { "data-testid": "who" });
    counts.replaceChildren(this.readOnly, this.who, this.unsent, this.seen, this.place, pager.node);
  }

  fill(data, keys, more = []) {
    const groups = [
      ["agree", "keep", "drop", "escalate", "skip", "undo"],
      data.types.map((name) => `type:${name}`),
      data.levels.map((name) => `level:${name}`),
      ["reveal", "grey", "hide", "previous", "next", "select", "lock", ...more, "legend"],
    ];
    const readOnly = !data.reviewer;
    this.node.replaceChildren(...groups.map((ids) => {
      const group = element("div", { class: "group", role: "group" });
      group.append(...ids.map((id) => this.button(id, keys, readOnly && !LOOKING.has(id))));
      return group;
    }));
    this.readOnly.hidden = !readOnly;
    this.who.textContent = readOnly ? "" : `as ${data.reviewer}`;
  }

  // A type that waits for its level; null: none does.
  pick(type) {
    this.node.querySelector("[aria-pressed]")?.removeAttribute("aria-pressed");
    if (type) this.node.querySelector(`[data-action="type:${type}"]`)?.setAttribute("aria-pressed", "true");
  }

  button(id, keys, disabled) {
    const action = keys.actions.find((each) => each.id === id);
    const key = keys.of[id];
    const button = element("button", { type: "button", "data-action": id, "aria-keyshortcuts": key });
    const text = SHORT[id] ?? (id.startsWith("type:") ? id.slice(5) : action.label);
    button.append(element("kbd", { text: keyShown(key), "aria-hidden": "true" }), text && ` ${text}`);
    if (text !== action.label) {
      button.setAttribute("aria-label", action.label);
      button.title = action.label;
    }
    button.disabled = disabled;
    button.onclick = (event) => this.act(id.startsWith("type:") && event.shiftKey ? id.replace("type:", "only:") : id);
    return button;
  }
}

const PAGE = 48; // rows of a full page

// Leased pages have no place in the whole: others work through it too. What is left to decide goes
// down with every decision made since the server counted.
function placeOf(data, cursor, marks) {
  const isQueue = data.state === "open" && data.reviewer;
  const change = ({ id, mine }) => Boolean(marks.get(id)) - Boolean(mine);
  const since = isQueue ? data.cards.reduce((sum, card) => sum + change(card), 0) : 0;
  const all = `${data.whole ? "" : "the first "}${counted(Math.max(0, data.total - since))}`;
  if (isQueue) return `${cursor + 1} of ${data.cards.length} here, ${all} to decide`;
  return `${counted((data.page - 1) * PAGE + cursor + 1)} of ${all}`;
}
