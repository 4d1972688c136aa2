// Requests to the server. Errors come as its sentence and hint, and are shown in one place.

let token = "";

export class Failure extends Error {}

export async function begin() {
  token = (await get("api/session")).token;
}

export function get(path, values = {}) {
  return answer(fetch(address(path, values)));
}

export function post(path, body, values = {}) {
  const raw = body instanceof Blob || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
  const headers = { "X-Workbench-Token": token, "Content-Type": raw ? "application/octet-stream" : "application/json" };
  return answer(fetch(address(path, values), { method: "POST", headers, body: raw ? body : JSON.stringify(body) }));
}

export function address(path, values = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null) query.append(name, one);
  }
  return query.size ? `${path}?${query}` : path;
}

async function answer(asked) {
  let reply;
  try {
    reply = await asked;
  } catch {
    throw new Failure("The server does not answer. Was the command ended?");
  }
  const found = await reply.json();
  if (!reply.ok) throw new Failure(found.hint ? `${found.error} (${found.hint})` : found.error);
  return found;
}

export function say(text, good = false) {
  const place = document.getElementById("message");
  place.textContent = text;
  place.classList.toggle("good", good);
}

// Run an action of the user's: what goes wrong is said, and what was said before is gone.
export function doing(action) {
  say("");
  return background(action);
}

// Run what goes on by itself: what was said to the user stays, unless something goes wrong.
export async function background(action) {
  try {
    return await action();
  } catch (error) {
    say(error.message);
    if (!(error instanceof Failure)) console.warn(error);
    return undefined;
  }
}
