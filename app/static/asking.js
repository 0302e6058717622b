// Our own addresses, asked with the page's token, never out of the browser's cache.

// body: posted as JSON; undefined: a GET. more: options of fetch. Returns what fetch does.
function request(token, path, body, more = {}) {
  const headers = { "x-audit-token": token };
  if (body === undefined) return fetch(path, { headers, cache: "no-store", ...more });
  return fetch(path, {
    method: "POST", headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body), ...more,
  });
}
