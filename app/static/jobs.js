// Work that the server does piece by piece: begun by a post, watched until it has ended.

const WATCH_MS = 250;

// ask(path, body): a Response. told(state): called again and again with {done, total, ended, problem}.
// Returns the last state; throws an Error with one line when it could not be begun.
async function runJob(ask, path, body, told) {
  const begun = await ask(path, body);
  let state = await begun.json();
  if (!begun.ok) throw new Error(state.error || `failed: ${begun.status}`);
  told(state);
  while (!state.ended) {
    await new Promise((go) => setTimeout(go, WATCH_MS));
    let answer = null;
    try { answer = await ask(`/audit/batch/${state.job}`); } catch { continue; } // no server: it may come back
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error || `failed: ${answer.status}`);
    state = found;
    told(state);
  }
  return state;
}
