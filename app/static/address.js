// The address names filters, page and item, so that a reload and a pasted address come back to them.
// Streamlit replaces the address when a filter changes; here the former one becomes a step of its
// own, and Back returns to it: Streamlit then runs with what the address says. A page turned and
// another item are no steps.

const REST_MS = 250; // the cursor has come to rest
const NO_STEPS = ["page", "item"];

class Address {
  constructor() {
    this.kept = null;
    this.stepped = false; // Back or Forward: the address is the wish, not its outcome
    this.onStep = () => {
      this.stepped = true;
      this.kept = location.href;
    };
    window.addEventListener("popstate", this.onStep);
  }

  get item() {
    return new URL(location.href).searchParams.get("item");
  }

  set item(id) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.kept && filtersOf(this.kept) !== filtersOf(location.href)) return; // other rows are on their way
      const address = new URL(location.href);
      address.searchParams.set("item", id);
      this.replace(address);
    }, REST_MS);
  }

  // A page of rows has come: of the address as it is, or of one that it has just replaced.
  // Returns whether it came by Back or Forward.
  arrived(page) {
    const address = new URL(location.href);
    if (page > 1) address.searchParams.set("page", String(page));
    else address.searchParams.delete("page");
    const { kept, stepped } = this;
    this.stepped = false;
    if (kept && !stepped && filtersOf(kept) !== filtersOf(address.href) && new URL(kept).pathname === address.pathname) {
      address.searchParams.delete("item");
      history.replaceState({}, "", kept);
      history.pushState({}, "", address);
      this.kept = address.href;
    } else {
      this.replace(address);
    }
    return stepped;
  }

  replace(address) {
    if (address.href !== location.href) history.replaceState(history.state, "", address);
    this.kept = location.href;
  }

  // Where another search begins, the item of the former one is none of its own.
  stop() {
    clearTimeout(this.timer);
    const address = new URL(location.href);
    if (this.kept && new URL(this.kept).pathname === address.pathname && filtersOf(this.kept) !== filtersOf(address.href)) {
      address.searchParams.delete("item");
      history.replaceState(history.state, "", address);
    }
    window.removeEventListener("popstate", this.onStep);
  }
}

function filtersOf(href) {
  const address = new URL(href);
  for (const name of NO_STEPS) address.searchParams.delete(name);
  address.searchParams.sort();
  return `${address.pathname}?${address.searchParams}`;
}
