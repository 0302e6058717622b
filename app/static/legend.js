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
