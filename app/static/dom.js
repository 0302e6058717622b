// Elements with text, never markup.

function element(name, { text, ...attributes } = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) if (value != null) made.setAttribute(key, value);
  return made;
}

function buttonOf(text, press, attributes = {}) {
  const made = element("button", { type: "button", text, ...attributes });
  made.onclick = press;
  return made;
}
