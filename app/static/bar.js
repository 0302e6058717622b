// The decision bar: every action as a button with its key, and what is counted.

const LOOKING = new Set(["skip", "reveal", "grey", "hide", "previous", "next", "page:next", "page:previous", "evidence", "search", "leave", "legend"]); // nothing is stored

// What a button shows of its label where that is longer than the room for it.
const SHORT = { grey: "Grey", hide: "Hide", previous: "", next: "", evidence: "Evidence", lock: "Lock", leave: "Done" };

class Bar {
  // act(id): a button was pressed; counts: where the figures and the pager go.
  constructor(node, counts, pager, act) {
    this.node = node;
    this.act = act;
    this.place = element("span", { "data-testid": "place" });
    this.unsent = element("strong", { "data-testid": "unsent" });
    this.seen = element("span", { "data-testid": "seen" });
    this.readOnly = element("strong", { text: "Read-only: no reviewer name was given" });
    counts.replaceChildren(this.readOnly, this.unsent, this.seen, this.place, pager.node);
  }

  fill(data, keys, more = []) {
    const groups = [
      ["agree", "keep", "drop", "escalate", "skip", "undo"],
      data.types.map((name) => `type:${name}`),
      data.levels.map((name) => `level:${name}`),
      ["reveal", "grey", "hide", "previous", "next", "lock", ...more, "legend"],
    ];
    const readOnly = !data.reviewer;
    this.node.replaceChildren(...groups.map((ids) => {
      const group = element("div", { class: "group", role: "group" });
      group.append(...ids.map((id) => this.button(id, keys, readOnly && !LOOKING.has(id))));
      return group;
    }));
    this.readOnly.hidden = !readOnly;
  }

  button(id, keys, disabled) {
    const action = keys.actions.find((each) => each.id === id);
    const key = keys.of[id];
    const button = element("button", { type: "button", "data-action": id, "aria-keyshortcuts": key });
    const text = SHORT[id] ?? action.label;
    button.append(element("kbd", { text: keyShown(key), "aria-hidden": "true" }), text && ` ${text}`);
    if (text !== action.label) {
      button.setAttribute("aria-label", action.label);
      button.title = action.label;
    }
    button.disabled = disabled;
    button.onclick = (event) => this.act(id.startsWith("type:") && event.shiftKey ? id.replace("type:", "pick:") : id);
    return button;
  }
}
