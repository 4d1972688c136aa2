// Models and runs, and the curves of those that are ticked. What is under way is asked for again and again.

import { background, doing, get } from "./api.js";
import { lineChart } from "./chart.js";
import { $, make } from "./elements.js";

const PAUSE_MS = 2000, IDLE_MS = 10000;
const ticked = new Set();
let known = { runs: [], models: [] }, given = "", timer = 0, drawn = "";

export function start(overview) {
  given = overview.given;
  const latest = overview.runs.find((run) => run.alive) ?? newest(overview.runs.filter((run) => isGiven(run)))
    ?? newest(overview.runs);
  if (latest) ticked.add(latest.id);
  else if (overview.models.some((model) => model.id === given && model.trained)) ticked.add(given);
  take(overview);
  addEventListener("visibilitychange", () => !$("runs").hidden && enter());
}

export async function enter() {
  clearTimeout(timer);
  take(await get("api/overview"));
  await curves();
  // One may be started in a shell at any time.
  const pause = known.runs.some((run) => run.alive) ? PAUSE_MS : IDLE_MS;
  if (!document.hidden) timer = setTimeout(() => background(enter), pause);
}

export function leave() {
  clearTimeout(timer);
}

const isGiven = (run) => given && (run.model === given || run.id === given);
const newest = (runs) => runs.toSorted((a, b) => (b.began ?? 0) - (a.began ?? 0))[0];

function take(overview) {
  const before = new Set(known.runs.map((run) => run.id));
  for (const run of overview.runs) if (run.alive && !before.has(run.id)) ticked.add(run.id);
  known = overview;
  $("runs-none").hidden = overview.runs.length > 0;
  rows($("runs-list"), overview.runs, newRun, (row, run) => {
    row.cells[2].textContent = run.alive ? `${run.status} now`
      : [run.status, run.chance ? "learned nothing" : ""].filter(Boolean).join(", ");
    row.cells[2].title = [run.chance, ...run.problems].filter(Boolean).join("\n");
  });
  rows($("models-list"), overview.models, newModel, (row, model) => {
    row.cells[0].firstChild.disabled = !model.trained;
    row.cells[2].textContent = model.trained ? "yes" : "no";
  });
}

// The rows stay, so that the focus does: only what has changed in them is written.
function rows(list, all, anew, write) {
  const before = new Map([...list.rows].map((row) => [row.dataset.id, row]));
  const wanted = all.map((one) => before.get(one.id) ?? anew(one));
  wanted.forEach((row, at) => write(row, all[at]));
  if (wanted.length !== list.rows.length || wanted.some((row, at) => row !== list.rows[at])) list.replaceChildren(...wanted);
}

function tickOf(id) {
  const tick = make("input", { type: "checkbox", "aria-label": `show ${id}`, checked: ticked.has(id) });
  tick.addEventListener("change", () => {
    if (tick.checked) ticked.add(id);
    else ticked.delete(id);
    doing(curves);
  });
  return tick;
}

function newRun(run) {
  const began = run.began ? new Date(1000 * run.began).toLocaleString() : "";
  return make("tr", { "data-id": run.id }, make("td", {}, tickOf(run.id)), make("th", { scope: "row" }, run.id), make("td"),
    make("td"), make("td", {}, began));
}

function newModel(model) {
  return make("tr", { "data-id": model.id }, make("td", {}, tickOf(model.id)), make("th", { scope: "row" }, model.id),
    make("td"), make("td", {}, model.file));
}

async function curves() {
  const ids = [...known.runs, ...known.models].map((one) => one.id).filter((id) => ticked.has(id));
  const found = ids.length ? await get("api/curves", { id: ids }) : {};
  const text = JSON.stringify(found);
  if (text === drawn) return;
  drawn = text;
  for (const [id, one] of Object.entries(found)) {
    const row = [...$("runs-list").rows].find((candidate) => candidate.dataset.id === id);
    const best = one.best_epoch ? `, best ${one.best_epoch}` : "";
    if (row) row.cells[3].textContent = `${epochs(one)}${best}`;
  }
  const names = new Set(Object.values(found).flatMap((one) => Object.keys(one.history).map((name) => name.replace(/^val_/, ""))));
  $("curves").replaceChildren(...[...names].map((name) => lineChart(name.replaceAll("_", " "), series(name, ids, found))));
  const told = ids.find((id) => known.runs.find((run) => run.id === id)?.alive) ?? ids[0];
  $("log-box").hidden = !told || !found[told].log;
  if (told) $("log").textContent = `${told}\n\n${found[told].log}`;
}

const epochs = (one) => Math.max(0, ...Object.values(one.history).map((values) => values.length));

function series(name, ids, found) {
  return ids.flatMap((id, place) => {
    const history = found[id].history;
    const many = [[name, history[`val_${name}`] ? "training" : "", true], [`val_${name}`, "validation", false]];
    return many.filter(([key]) => history[key]?.some((value) => value !== null)).map(([key, what, dashed]) => ({
      name: [id, what].filter(Boolean).join(", "), values: history[key], place, dashed: dashed && what !== "",
    }));
  });
}
