// One key to the page Search, with its first field ready for typing.

const PATIENCE_MS = 5000;

class Searching {
  actions() {
    return [["search", "Search", "/"]];
  }

  act(id) {
    if (id !== "search") return false;
    const link = [...document.querySelectorAll("a[href]")].find((each) => new URL(each.href).pathname.endsWith("/search"));
    if (!link) return false;
    if (!location.pathname.endsWith("/search")) link.click(); // Streamlit's own: nothing is loaded anew
    this.focus(performance.now() + PATIENCE_MS);
    return true;
  }

  focus(until) {
    const field = location.pathname.endsWith("/search") && document.querySelector("[data-testid=stMain] input[type=text]");
    if (field) field.focus();
    else if (performance.now() < until) requestAnimationFrame(() => this.focus(until));
  }
}

PARTS.push(() => new Searching());
