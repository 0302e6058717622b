// The decision bar: every action as a button with its key, and what is counted.

const LOOKING = new Set(["skip", "reveal", "grey", "hide", "previous", "next", "page:next", "page:previous", "evidence", "search", "leave", "legend"]); // nothing is stored

class Bar {
  // act(id): a button was pressed.
  constructor(node, pager, act) {
    this.node = node;
    this.pager = pager;
    this.act = act;
    this.place = element("span", { "data-testid": "place" });
    this.unsent = element("span", { "data-testid": "unsent" });
    this.seen = element("span", { "data-testid": "seen" });
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
    const rest = element("div", { class: "group rest" });
    rest.append(this.place, this.pager.node, this.seen, this.unsent);
    if (readOnly) rest.append(element("strong", { text: "Read-only: no reviewer name was given" }));
    this.node.append(rest);
  }

  button(id, keys, disabled) {
    const action = keys.actions.find((each) => each.id === id);
    const key = keys.of[id];
    const button = element("button", { type: "button", "data-action": id, "aria-keyshortcuts": key });
    button.append(element("kbd", { text: keyShown(key), "aria-hidden": "true" }), ` ${action.label}`);
    button.disabled = disabled;
    button.onclick = (event) => this.act(id.startsWith("type:") && event.shiftKey ? id.replace("type:", "pick:") : id);
    return button;
  }
}
