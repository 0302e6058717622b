// The table of keys; a key is changed by its button and then the new key.

class KeyTable {
  // node: filled with it; changed(): a key is another one by now; close(): leaves it, if it can be.
  constructor(node, keys, text, { changed, close } = {}) {
    Object.assign(this, { node, keys, changed, close });
    this.fill(text);
  }

  fill(text) {
    const { keys } = this;
    this.note = element("p", { text, role: "status" });
    const tables = element("div", { class: "tables" });
    const half = Math.ceil(keys.actions.length / 2);
    for (const actions of [keys.actions.slice(0, half), keys.actions.slice(half)]) {
      const table = element("table");
      table.append(...actions.map((action) => this.row(action)));
      tables.append(table);
    }
    const foot = element("div", { class: "answers" });
    if (this.close) foot.append(buttonOf("Close", this.close));
    foot.append(buttonOf("All keys as they came", () => {
      keys.reset();
      this.done("All keys are as they came");
    }));
    this.node.replaceChildren(element("h2", { text: "Keys" }), this.note, tables, foot);
  }

  row(action) {
    const key = this.keys.of[action.id];
    const button = buttonOf(keyShown(key), () => this.listen(action));
    button.dataset.action = action.id;
    button.setAttribute("aria-label", `Key of ${action.label}: ${key}`);
    const cell = element("td");
    cell.append(button);
    const row = element("tr");
    row.append(cell, element("td", { text: action.label }));
    return row;
  }

  listen(action) {
    this.note.textContent = `Press the new key of ${action.label}`;
    this.node.onkeydown = (event) => {
      if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      this.node.onkeydown = null;
      const wrong = event.key === "Escape" ? "Unchanged" : this.keys.change(action.id, keyName(event));
      this.done(wrong || `${action.label} is now ${keyShown(this.keys.of[action.id])}`);
      this.node.querySelector(`[data-action="${action.id}"]`).focus();
    };
  }

  done(text) {
    this.fill(text);
    this.changed?.();
  }
}

// The same in front of the screen.
function openLegend(dialog, keys, changed) {
  dialog.onkeydown = null;
  new KeyTable(dialog, keys, "Press a button, then the new key. Esc closes.", { changed, close: () => dialog.close() });
  dialog.showModal();
  dialog.scrollTop = 0;
}
