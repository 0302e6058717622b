// Decisions on their way to the server. They stay in sessionStorage until it says they are stored,
// so neither a reload nor a restarted server loses one; ids make sending twice harmless.

const MOST_AT_ONCE = 100;

class Outbox {
  constructor(store, changed, refused) {
    this.store = store;
    this.changed = changed;
    this.refused = refused;
    this.token = "";
    this.sending = false;
    this.stopped = false; // the token was not accepted: wait for another
    this.wait = 0;
    this.timer = null;
    this.why = ""; // nothing could be stored the last time
    this.size = MOST_AT_ONCE;
    try { this.entries = JSON.parse(sessionStorage.getItem(store) || "[]"); } catch { this.entries = []; }
    if (!Array.isArray(this.entries)) this.entries = [];
  }

  add(entry) {
    this.entries.push(entry);
    this.keep();
    this.send();
  }

  use(token) {
    if (token !== this.token) this.stopped = false;
    this.token = token;
    this.changed(this.entries.length, this.why);
    this.send();
  }

  keep() {
    try { sessionStorage.setItem(this.store, JSON.stringify(this.entries)); } catch { /* full: memory has them */ }
    this.changed(this.entries.length, this.why);
  }

  drop(ids) {
    this.entries = this.entries.filter(({ id }) => !ids.has(id));
    this.keep();
  }

  async send() {
    if (this.sending || this.stopped || !this.entries.length || !this.token) return;
    this.sending = true;
    clearTimeout(this.timer);
    const batch = this.entries.slice(0, this.size);
    let failed = false;
    try {
      const answer = await request(this.token, "/audit/decisions", { decisions: batch }, { signal: AbortSignal.timeout(15000) });
      if (answer.ok) {
        const { stored, refused, taken } = await answer.json();
        this.why = "";
        this.drop(new Set([...stored, ...refused.map(({ id }) => id)]));
        this.stored?.(stored);
        if (taken.length) this.taken?.(taken);
        for (const { id, why } of refused) this.refused(batch.find((entry) => entry.id === id), why);
        this.wait = 0;
        this.size = MOST_AT_ONCE;
      } else if (answer.status === 403) {
        this.stopped = true; // a restarted server: the page runs again and brings a new token
      } else if (answer.status < 500 && batch.length > 1) {
        this.size = 1; // find the one that is wrong
      } else if (answer.status < 500) {
        this.drop(new Set([batch[0].id]));
        this.refused(batch[0], (await answer.json().catch(() => ({}))).error || "not accepted");
      } else {
        failed = true;
        this.why = (await answer.json().catch(() => ({}))).error || "the server cannot store it";
      }
    } catch {
      failed = true;
      this.why = "the server does not answer";
    }
    this.sending = false;
    if (failed) {
      this.changed(this.entries.length, this.why);
      this.wait = Math.min(3000, 2 * this.wait || 250);
      this.timer = setTimeout(() => this.send(), this.wait);
    } else {
      this.send();
    }
  }

  stop() {
    clearTimeout(this.timer);
  }
}
