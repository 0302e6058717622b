// The table of keys on a page of its own, without the grid: the same actions, the same table.

function showKeys(root, data) {
  const review = (root.review ??= new Review(root)); // its parts have actions of their own
  review.data = data;
  const own = JSON.stringify(data.personal.keys);
  if (review.own !== own) {
    review.own = own;
    review.bindKeys();
    const section = element("section", { class: "keys", "aria-label": "Keys" });
    review.shell.replaceChildren(section);
    const table = new KeyTable(section, review.keys, "Press a button, then the new key. They hold on every page of samples.");
    review.ownKeys.said = (text) => { table.note.textContent = text; };
  }
  return () => {
    review.gone();
    delete root.review;
  };
}
