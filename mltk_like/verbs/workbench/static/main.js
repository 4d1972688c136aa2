// Which part is shown, and what all parts share: the folder, its models and its runs.

import { begin, doing, get } from "./api.js";
import { $ } from "./elements.js";
import * as runs from "./runs.js";
import * as live from "./live.js";
import * as clips from "./clips.js";
import * as record from "./record.js";
import * as errors from "./errors.js";

const PARTS = { runs, live, clips, record, errors };
let shown = "";

function show() {
  const wanted = location.hash.slice(1);
  const name = Object.hasOwn(PARTS, wanted) ? wanted : "runs";
  if (name === shown) return;
  PARTS[shown]?.leave?.();
  shown = name;
  for (const part of Object.keys(PARTS)) {
    $(part).hidden = part !== name;
    const link = document.querySelector(`nav a[href="#${part}"]`);
    if (part === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${$(name).querySelector("h2").textContent} - workbench`;
  doing(() => PARTS[name].enter());
}

await doing(async () => {
  await begin();
  const overview = await get("api/overview");
  $("folder").textContent = overview.folder;
  for (const part of Object.values(PARTS)) part.start(overview);
  addEventListener("hashchange", show);
  show();
});
document.body.dataset.ready = "true";
