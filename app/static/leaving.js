// Leaving: a closed window lets its samples go to others, and one key ends the work altogether.

class Leaving {
  constructor(review) {
    this.review = review;
    this.left = false;
    this.screen = element("dialog", { class: "left", "aria-labelledby": "left", "data-testid": "left" });
    this.screen.addEventListener("cancel", (event) => event.preventDefault());
    review.shell.append(this.screen);
    this.onHide = () => this.tell(false);
    window.addEventListener("pagehide", this.onHide);
  }

  actions() {
    return [["leave", "Done for now", "q"]];
  }

  act(id) {
    if (id !== "leave") return false;
    this.leave();
    return true;
  }

  // Everything out of sight at once; what is on its way is still sent.
  leave() {
    this.left = true;
    this.review.reveal.hide();
    this.review.shell.classList.add("hidden");
    this.say = element("p", { role: "status" });
    const back = buttonOf("Go on reviewing", () => this.comeBack());
    this.screen.replaceChildren(element("h2", { text: "Done for now", id: "left", tabindex: "-1" }), this.say, back);
    this.screen.showModal();
    this.screen.querySelector("h2").focus();
    this.stored();
    this.tell(true);
  }

  comeBack() {
    this.left = false;
    this.screen.close();
    this.review.shell.classList.remove("hidden");
    this.review.turnTo(this.review.page); // the samples are asked for again: others may have them by now
    this.review.grid.focus({ preventScroll: true });
  }

  stored() {
    if (!this.left) return;
    const waiting = this.review.outbox.entries.length;
    this.say.textContent = waiting
      ? `${waiting} of your decisions ${waiting === 1 ? "is" : "are"} not stored yet: leave this open until they are.`
      : "Everything you decided is stored. What you had not decided goes to others. You may close this window.";
  }

  // A window that is being closed waits for no answer.
  tell(done) {
    const { data } = this.review;
    if (data?.reviewer) this.review.ask("/audit/leave", { done }, { keepalive: true }).catch(() => {});
  }

  stop() {
    window.removeEventListener("pagehide", this.onHide);
    this.screen.remove();
  }
}

PARTS.push((review) => new Leaving(review));
