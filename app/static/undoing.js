// What this tab has decided, newest last, so that each can be taken back, also after a reload.

const MOST_UNDO = 200;

class Undoing {
  constructor(store) {
    this.store = store;
    try { this.done = JSON.parse(sessionStorage.getItem(store) || "[]"); } catch { this.done = []; }
    if (!Array.isArray(this.done)) this.done = [];
  }

  push(entry) {
    this.done.push(entry);
    this.done.splice(0, this.done.length - MOST_UNDO);
    this.keep();
  }

  pop() {
    const last = this.done.pop();
    this.keep();
    return last;
  }

  get last() {
    return this.done.at(-1);
  }

  // A decision is another by now, one with a note say, or again the one it was.
  replace(id, mark) {
    for (const entry of this.done) if (entry.id === id) Object.assign(entry, { id: mark.id, mark });
    this.keep();
  }

  keep() {
    try { sessionStorage.setItem(this.store, JSON.stringify(this.done)); } catch { /* full: memory has them */ }
  }
}
