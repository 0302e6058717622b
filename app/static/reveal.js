// One sharp picture at a time, in one canvas: grey first, for ten seconds at most.

const REVEALED_MS = 10000;
const ENDED_BY = ["blur", "beforeprint", "pagehide"]; // of the window

class Reveal {
  constructor(canvas, said) {
    this.canvas = canvas;
    this.said = said;
    this.id = null;
    this.token = "";
    this.alwaysGrey = false;
    this.asked = null;
    this.since = 0;
    this.timer = null;
    this.end = () => this.hide();
    this.endHidden = () => document.hidden && this.hide();
    for (const name of ENDED_BY) window.addEventListener(name, this.end);
    document.addEventListener("visibilitychange", this.endHidden);
  }

  stop() {
    this.hide();
    for (const name of ENDED_BY) window.removeEventListener(name, this.end);
    document.removeEventListener("visibilitychange", this.endHidden);
  }

  async show(id) {
    this.hide();
    const asked = new AbortController();
    this.asked = asked;
    this.id = id;
    this.said("Fetching the picture");
    let picture = null;
    try {
      const answer = await request(this.token, `/audit/clear/${id}`, undefined, { signal: asked.signal });
      if (!answer.ok) {
        const { error } = await answer.json().catch(() => ({}));
        if (this.asked === asked) this.hide();
        this.said(`No picture: ${error || answer.status}`);
        return false;
      }
      picture = await createImageBitmap(await answer.blob());
    } catch {
      if (this.asked === asked) {
        this.hide();
        this.said("No picture: the server does not answer");
      }
      return false;
    }
    if (this.asked !== asked) { // moved on meanwhile
      picture.close();
      return false;
    }
    this.canvas.width = picture.width;
    this.canvas.height = picture.height;
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    this.canvas.classList.add("grey");
    this.canvas.hidden = false;
    this.since = performance.now();
    this.timer = setTimeout(() => this.hide(), REVEALED_MS);
    this.said("Revealed in grey");
    return true;
  }

  get shown() {
    return !this.canvas.hidden;
  }

  colour() {
    if (this.shown && this.alwaysGrey) this.said("You chose that pictures stay grey; see Settings");
    else if (this.shown) this.canvas.classList.toggle("grey");
  }

  hide() {
    clearTimeout(this.timer);
    this.asked?.abort();
    this.asked = null;
    this.id = null;
    if (this.canvas.hidden) return;
    this.canvas.hidden = true;
    this.canvas.width = this.canvas.height = 0; // the pixels are gone, not only out of sight
    this.said("Hidden");
    const seconds = Math.min(3600, (performance.now() - this.since) / 1000);
    request(this.token, "/audit/exposure", { seconds }, { keepalive: true })
      .then((answer) => (answer.ok ? answer.json() : null)).then((seen) => seen && this.counted?.(seen)).catch(() => {});
  }
}
