// Where in the rows the page stands: pages to turn, how many are left, and finding them anew.

class Pager {
  // turn(page): another page is wanted; renew(): the rows are to be found anew.
  constructor(turn, renew) {
    this.turn = turn;
    this.node = element("div", { class: "group", role: "group", "aria-label": "Pages" });
    this.before = this.button("‹", "Previous page", () => this.to(this.page - 1));
    this.after = this.button("›", "Next page", () => this.to(this.page + 1));
    this.field = element("input", { class: "page", inputmode: "numeric", "aria-label": "Page", autocomplete: "off" });
    this.field.onchange = () => this.to(Number.parseInt(this.field.value, 10));
    this.of = element("span", { "data-testid": "pages" });
    this.renew = this.button("↻", "Renew the queue", renew);
    this.renew.title = "Find the samples anew, from page 1";
    this.node.append(this.before, this.field, this.of, this.after, this.renew);
  }

  button(text, label, then) {
    return buttonOf(text, then, { "aria-label": label, title: label });
  }

  show(page, pages) {
    this.page = page;
    this.pages = pages;
    this.field.value = String(page);
    this.field.style.width = `${String(pages).length + 2}ch`;
    this.of.textContent = `of ${counted(pages)}`;
    this.before.disabled = page <= 1;
    this.after.disabled = page >= pages;
  }

  to(page) {
    this.field.value = String(this.page);
    if (page >= 1 && page <= this.pages && page !== this.page) this.turn(page);
  }
}
