// What one card of the page's data says, in words and in its small picture; numbers in words.

function counted(number) {
  return number.toLocaleString("en");
}

function samples(number) {
  return `${counted(number)} ${number === 1 ? "sample" : "samples"}`;
}

function percent(value) {
  return value == null ? "not scored" : value.toFixed(2);
}

function headline(card) {
  if (card.gone) return "No longer in this catalog";
  if (card.status === "failed") return "Could not be scored";
  if (card.blind) return "Its score is shown once you have decided";
  return `${card.type || "no type"}, ${card.level || "no level"}, ${percent(card.risk)}`;
}

// 24 grey pixels, drawn large and blurred; a grey field where there is none.
function previewInto(image, card) {
  image.classList.toggle("none", !card.preview);
  if (card.preview) image.src = `data:image/webp;base64,${card.preview}`;
  else image.removeAttribute("src");
}
