// The address names filters, page and item, so that a reload and a pasted address come back to them.
// Streamlit replaces the address when a filter changes, and adds a step when fields go with it; here
// a filter that changed is one step, and so is another page: Back returns to what was before, and
// Streamlit then runs with what the address says. A page turned and another item are no steps.

const REST_MS = 250; // the cursor has come to rest
const NO_STEPS = ["page", "item"];

class Address {
  constructor() {
    this.kept = null; // as it was when rows last came
    this.stepped = false; // Back or Forward: the address is the wish, not its outcome
    this.awaited = false; // a filter has changed, and its rows are on their way
    this.onStep = () => {
      clearTimeout(this.timer); // the item was one of the rows before
      this.stepped = true;
      this.kept = location.href;
    };
    window.addEventListener("popstate", this.onStep);
    Address.now = this;
  }

  get item() {
    return new URL(location.href).searchParams.get("item");
  }

  set item(id) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.awaited || this.stepped) return; // other rows are on their way
      const address = new URL(location.href);
      address.searchParams.set("item", id);
      this.replace(address);
    }, REST_MS);
  }

  // Streamlit writes an address: the first of a change is a step, with no item of the former rows.
  // Returns the name of what history is to do, and with which address.
  written(how, address) {
    const isOurs = this.kept && !this.stepped && address.pathname === new URL(this.kept).pathname;
    if (!isOurs || filtersOf(this.kept) === filtersOf(address.href)) return [how, address];
    address.searchParams.delete("item");
    if (this.awaited) return ["replaceState", address];
    this.awaited = true;
    return ["pushState", address];
  }

  // A page of rows has come. Returns whether it came by Back or Forward.
  arrived(page) {
    const address = new URL(location.href);
    if (page > 1) address.searchParams.set("page", String(page));
    else address.searchParams.delete("page");
    const { stepped } = this;
    this.stepped = this.awaited = false;
    this.replace(address);
    return stepped;
  }

  replace(address) {
    if (address.href !== location.href) plain.replaceState(history.state, "", address);
    this.kept = location.href;
  }

  stop() {
    clearTimeout(this.timer);
    window.removeEventListener("popstate", this.onStep);
    if (Address.now === this) Address.now = null;
  }
}

function filtersOf(href) {
  const address = new URL(href);
  for (const name of NO_STEPS) address.searchParams.delete(name);
  address.searchParams.sort();
  return `${address.pathname}?${address.searchParams}`;
}

// Nothing tells a page before its address is replaced, so history itself passes on what it is asked.
// On the way to another page Streamlit first takes all fields out of the address, as a step of its
// own; the other page takes the place of that.
const plain = { pushState: history.pushState.bind(history), replaceState: history.replaceState.bind(history) };
let emptied = null;
for (const how of Object.keys(plain)) {
  history[how] = (state, title, to) => {
    if (to == null) return plain[how](state, title, to);
    const asked = new URL(to, location.href);
    const isHere = asked.pathname === location.pathname;
    const isLeft = how === "pushState" && !isHere && location.href === emptied;
    const [does, address] = (isHere && Address.now?.written(how, asked)) || [isLeft ? "replaceState" : how, asked];
    const isEmptied = how === "pushState" && isHere && location.search && !address.search;
    plain[does](state, title, address);
    emptied = isEmptied ? location.href : null;
    return undefined;
  };
}
