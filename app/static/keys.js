// Actions, their keys, and when a key is meant for us.

// more   [[id, label, key] ...] of other parts of the screen
function actionsOf(types, levels, more = []) {
  const actions = [["agree", "Agree", "a"]];
  const risky = types.filter((name) => name !== "safe"); // which has no level
  types.forEach((name, n) => actions.push([`type:${name}`, risky.includes(name) ? `${name}, then its level` : name, String(n + 1)]));
  risky.forEach((name) => actions.push([`only:${name}`, `${name}, no level`, `Shift+${types.indexOf(name) + 1}`]));
  const letters = { none: "n", low: "l", medium: "m", high: "h" };
  levels.forEach((name) => actions.push([`level:${name}`, name, letters[name]]));
  actions.push(
    ["keep", "Keep", "k"], ["drop", "Drop", "x"], ["skip", "Skip", "s"], ["undo", "Undo", "z"],
    ["escalate", "Escalate", "e"], ["reveal", "Reveal", "b"], ["grey", "Grey or colour", "g"],
    ["lock", "Lock away", "u"], ["next", "Next sample", "ArrowRight"],
    ["previous", "Previous sample", "ArrowLeft"], ["down", "One row down", "ArrowDown"],
    ["up", "One row up", "ArrowUp"], ["select", "Select or not", "p"],
    ["select:next", "Select to the next", "Shift+ArrowRight"],
    ["select:previous", "Select to the one before", "Shift+ArrowLeft"],
    ["select:down", "Select one row down", "Shift+ArrowDown"],
    ["select:up", "Select one row up", "Shift+ArrowUp"], ["page:next", "Next page", "PageDown"],
    ["page:previous", "Previous page", "PageUp"], ...more, ["hide", "Hide everything", "Escape"],
    ["legend", "Keys", "?"],
  );
  return actions.map(([id, label, key]) => ({ id, label, key }));
}

const REPEATING = new Set(["next", "previous", "up", "down", "select:next", "select:previous", "select:down", "select:up"]);

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
  const field = target.closest("input, textarea, select, [contenteditable=''], [contenteditable=true]");
  if (field?.checkVisibility()) return true; // one of a dialog just closed has the focus for a moment more
  const role = target.closest("[role]")?.getAttribute("role");
  if (["textbox", "combobox", "searchbox", "spinbutton", "slider", "menu", "menuitem", "radio"].includes(role)) return true;
  return Boolean(document.querySelector("[role=dialog], [role=alertdialog], dialog[open]"));
}

class Keys {
  // own: action -> key of those that the person has changed; keep(own): keeps them.
  constructor(actions, own, keep) {
    this.actions = actions;
    this.keep = keep;
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
    if (taken) return `${keyShown(name)} is taken: ${taken.label}`;
    this.of[id] = name;
    this.keep(this.own);
    return "";
  }

  // All as they came.
  reset() {
    for (const { id, key } of this.actions) this.of[id] = key;
    this.keep(this.own);
  }

  get own() {
    return Object.fromEntries(this.actions.filter(({ id, key }) => this.of[id] !== key).map(({ id }) => [id, this.of[id]]));
  }
}

const SHOWN = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", PageDown: "PgDn", PageUp: "PgUp" };

function keyShown(name) {
  const shift = name.startsWith("Shift+") ? "Shift+" : "";
  const key = name.slice(shift.length);
  return shift + (SHOWN[key] || key);
}
