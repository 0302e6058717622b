// A table: text, figures, cells shaded by how much they hold, and links to other pages. A plain
// click on a link is told to the script, which changes pages at once; any other click is the
// browser's (a new tab, say).

class Table {
  constructor(root) {
    this.caption = root.querySelector("caption");
    this.head = root.querySelector("thead");
    this.body = root.querySelector("tbody");
  }

  take(data, open) {
    this.open = open;
    this.caption.textContent = data.caption;
    this.body.parentElement.style.setProperty("--figures", data.columns.filter(({ figures }) => figures).length || 1);
    const head = element("tr");
    head.append(...data.columns.map(({ name, figures }) => this.made("th", name, figures, { scope: "col" })));
    this.head.replaceChildren(head);
    this.body.replaceChildren(...data.rows.map((row) => this.row(row, data.columns)));
  }

  row(cells, columns) {
    const row = element("tr");
    row.append(...cells.map((cell, n) => this.cell(cell, columns[n].figures, n === 0)));
    return row;
  }

  cell({ text, link, label, shade }, figures, first) {
    const made = this.made(first ? "th" : "td", link ? undefined : text, figures, first ? { scope: "row" } : {});
    if (shade !== undefined) made.style.setProperty("--shade", `${Math.round(shade * 100)}%`);
    if (link) {
      const to = this.made("a", text, false, { href: link, "aria-label": label || null, title: label || null });
      to.addEventListener("click", (event) => {
        if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        this.open(link);
      });
      made.append(to);
    }
    return made;
  }

  made(name, text, figures, attributes) {
    return element(name, { text, class: figures ? "figures" : null, ...attributes });
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const table = (parentElement.table ??= new Table(parentElement));
  table.take(data, (link) => setTriggerValue("open", link));
}
