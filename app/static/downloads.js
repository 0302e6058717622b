// Fetches a file with the token and hands it to the browser to keep.

class Downloads {
  constructor(root) {
    this.about = root.querySelector(".about");
    this.buttons = root.querySelector(".buttons");
    this.said = root.querySelector(".said");
  }

  take(data) {
    this.data = data;
    this.about.textContent = data.about;
    const now = JSON.stringify(data.ends);
    if (now === this.shown) return;
    this.shown = now;
    this.said.textContent = "";
    this.buttons.replaceChildren(...data.formats.map((each) => this.line(each)));
  }

  line({ format, about }) {
    const line = element("div", { class: "line" });
    const button = buttonOf(`.${format}`, () => this.fetch(format, button));
    line.append(button, element("span", { text: about }));
    return line;
  }

  async fetch(format, button) {
    button.disabled = true;
    this.said.textContent = "Writing the file";
    try {
      const answer = await request(this.data.token, "/audit/export", { format, ends: this.data.ends });
      if (answer.ok) this.keep(await answer.blob(), `decisions-${this.data.name}.${format}`);
      else this.said.textContent = (await answer.json().catch(() => ({}))).error || `failed: ${answer.status}`;
    } catch {
      this.said.textContent = "The server does not answer; try again";
    }
    button.disabled = false;
  }

  keep(file, name) {
    const link = element("a", { href: URL.createObjectURL(file), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    this.said.textContent = `${name}: ${file.size.toLocaleString("en-US")} bytes`;
  }
}

export default function ({ data, parentElement }) {
  (parentElement.downloads ??= new Downloads(parentElement)).take(data);
}
