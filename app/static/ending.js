// What stands in place of the cells, or above them, where there is nothing more to decide.

class Ending {
  // renew(): find the rows anew.
  constructor(node, renew) {
    this.node = node;
    this.renew = renew;
    this.hide();
  }

  // Nothing was found.
  empty(text) {
    this.fill("Nothing here", text);
  }

  // Behind the last sample; open: how many on this page are not decided.
  end(open, first) {
    if (open) {
      this.fill("The end of this queue", `${open} on this page ${open === 1 ? "is" : "are"} not decided yet.`, [["Go to the first of them", first]]);
    } else {
      this.fill("The end of this queue", "Everything on this page is decided. New samples come when the queue is renewed.");
    }
  }

  fill(title, text, more = []) {
    const renew = ["Renew the queue", this.renew];
    const buttons = [...more, renew].map(([label, then]) => buttonOf(label, then));
    this.node.replaceChildren(element("strong", { text: title }), element("span", { text }), ...buttons);
    this.node.hidden = false;
  }

  get shown() {
    return !this.node.hidden;
  }

  // Returns whether something was shown.
  hide() {
    const was = this.shown;
    this.node.hidden = true;
    return was;
  }
}
