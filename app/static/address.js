// The item in the address, so that a reload and a pasted address come back to it.

const REST_MS = 250; // the cursor has come to rest

class Address {
  get item() {
    return new URL(location.href).searchParams.get("item");
  }

  set item(id) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const address = new URL(location.href);
      address.searchParams.set("item", id);
      history.replaceState(history.state, "", address);
    }, REST_MS);
  }
}
