// The keys that a person has changed: kept by the server, so that they follow the person; by this
// browser where nobody has a name.

class OwnKeys {
  // settings: of the person, as the page was given them; ask(path, body): a request to the server.
  constructor(data, ask, said) {
    this.named = Boolean(data.reviewer);
    this.store = `audit.keys.${data.catalog}`;
    this.ask = ask;
    this.said = said;
    this.keys = this.named ? data.personal.keys : this.stored();
  }

  stored() {
    try { return JSON.parse(localStorage.getItem(this.store) || "{}") || {}; } catch { return {}; }
  }

  async keep(keys) {
    this.keys = keys;
    if (!this.named) {
      try { localStorage.setItem(this.store, JSON.stringify(keys)); } catch { /* as long as the page is open */ }
      return;
    }
    try {
      const answer = await this.ask("/audit/settings", { keys }, { keepalive: true });
      if (!answer.ok) this.said(`Keys not kept: ${(await answer.json()).error}`);
    } catch {
      this.said("Keys not kept: the server does not answer");
    }
  }
}
