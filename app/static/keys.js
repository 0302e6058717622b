// Actions, their keys, and when a key is meant for us.

function actionsOf(types, levels) {
  const actions = [["agree", "Agree", "a"]];
  types.forEach((name, n) => actions.push([`type:${name}`, name, String(n + 1)]));
  types.forEach((name, n) => actions.push([`pick:${name}`, `${name}, level to follow`, `Shift+${n + 1}`]));
  const letters = { none: "n", low: "l", medium: "m", high: "h" };
  levels.forEach((name) => actions.push([`level:${name}`, name, letters[name]]));
  actions.push(
    ["keep", "Keep", "k"], ["drop", "Drop", "x"], ["skip", "Skip", "s"], ["undo", "Undo", "z"],
    ["escalate", "Escalate", "e"], ["reveal", "Reveal", "b"], ["grey", "Grey or colour", "g"],
    ["lock", "Lock away", "u"], ["next", "Next sample", "ArrowRight"],
    ["previous", "Previous sample", "ArrowLeft"], ["down", "One row down", "ArrowDown"],
    ["up", "One row up", "ArrowUp"], ["hide", "Hide everything", "Escape"], ["legend", "Keys", "?"],
  );
  return actions.map(([id, label, key]) => ({ id, label, key }));
}

const REPEATING = new Set(["next", "previous", "up", "down"]);

// What a key is called: "a", "Shift+3", "ArrowLeft", "?".
function keyName(event) {
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code || "");
  if (digit) return (event.shiftKey ? "Shift+" : "") + digit[1];
  if (event.key.length > 1) return (event.shiftKey ? "Shift+" : "") + event.key;
  const lower = event.key.toLowerCase();
  return lower !== event.key.toUpperCase() && event.shiftKey ? `Shift+${lower}` : lower;
}

// Whether somebody is typing, choosing in a widget, or answering a dialog.
function isBusy(event) {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return true;
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.closest("input, textarea, select, [contenteditable=''], [contenteditable=true]")) return true;
  const role = target.closest("[role]")?.getAttribute("role");
  if (["textbox", "combobox", "searchbox", "spinbutton", "slider", "menu", "menuitem", "radio"].includes(role)) return true;
  return Boolean(document.querySelector("[role=dialog], [role=alertdialog], dialog[open]"));
}

class Keys {
  constructor(actions, store) {
    this.actions = actions;
    this.store = store;
    let own = {};
    try { own = JSON.parse(localStorage.getItem(store) || "{}"); } catch { own = {}; }
    this.of = {};
    for (const { id, key } of actions) this.of[id] = typeof own[id] === "string" ? own[id] : key;
  }

  action(name) {
    return this.actions.find(({ id }) => this.of[id] === name)?.id;
  }

  // Returns what is wrong, or "".
  change(id, name) {
    if (["c", "r", "Tab", "Enter", " "].includes(name)) return `${name === " " ? "Space" : name} cannot be used`;
    const taken = this.actions.find((action) => action.id !== id && this.of[action.id] === name);
    if (taken) return `${name} is taken: ${taken.label}`;
    this.of[id] = name;
    const own = {};
    for (const action of this.actions) if (this.of[action.id] !== action.key) own[action.id] = this.of[action.id];
    localStorage.setItem(this.store, JSON.stringify(own));
    return "";
  }
}

const SHOWN = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

function keyShown(name) {
  return SHOWN[name] || name;
}

// The table of keys; a key is changed by its button and then the new key.
function fillLegend(dialog, keys, changed) {
  const title = element("h2", { text: "Keys" });
  const note = element("p", { text: "Press a button, then the new key. Esc closes.", role: "status" });
  const table = element("table");
  for (const action of keys.actions) {
    const row = element("tr");
    const button = element("button", { text: keyShown(keys.of[action.id]), type: "button" });
    button.setAttribute("aria-label", `Key of ${action.label}: ${keys.of[action.id]}`);
    button.dataset.action = action.id;
    button.onclick = () => {
      note.textContent = `Press the new key of ${action.label}`;
      dialog.onkeydown = (event) => {
        if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        dialog.onkeydown = null;
        const wrong = event.key === "Escape" ? "Unchanged" : keys.change(action.id, keyName(event));
        fillLegend(dialog, keys, changed);
        dialog.querySelector("p").textContent = wrong || `${action.label} is now ${keyShown(keys.of[action.id])}`;
        changed();
      };
    };
    const cell = element("td");
    cell.append(button);
    row.append(cell, element("td", { text: action.label }));
    table.append(row);
  }
  const close = element("button", { text: "Close", type: "button" });
  close.onclick = () => dialog.close();
  dialog.replaceChildren(title, note, table, close);
}

// An element with text, never markup.
function element(name, { text, ...attributes } = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) if (value != null) made.setAttribute(key, value);
  return made;
}
