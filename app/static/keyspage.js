// The table of keys on a page of its own, without the grid: the same actions, the same table.

function showKeys(root, data) {
  const review = (root.review ??= new Review(root)); // its parts have actions of their own
  review.data = data;
  review.begin(`keys.${data.reviewer || ""}`);
  const table = (root.keysTable ??= element("section", { class: "keys", "aria-label": "Keys" }));
  if (!table.isConnected) review.shell.replaceChildren(table);
  const alone = () => table.querySelector(":scope > button").remove(); // there is nothing to close
  fillLegend(table, review.keys, alone);
  alone();
  table.querySelector("p").textContent = "Press a button, then the new key. They hold on every page of samples.";
  return () => review.tell("stop");
}
