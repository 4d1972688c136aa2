// Models and runs, and the curves of those that are ticked. What is under way is asked for again and again.

import { doing, get } from "./api.js";
import { lineChart } from "./chart.js";
import { $, make } from "./elements.js";

const PAUSE_MS = 2000;
const ticked = new Set();
let known = { runs: [] }, given = "", timer = 0, drawn = "";

export function start(overview) {
  given = overview.given;
  const latest = overview.runs.find((run) => run.alive) ?? newest(overview.runs.filter((run) => isGiven(run)))
    ?? newest(overview.runs);
  if (latest) ticked.add(latest.id);
  take(overview);
  addEventListener("visibilitychange", () => !$("runs").hidden && enter());
}

export async function enter() {
  clearTimeout(timer);
  take(await get("/api/overview"));
  await curves();
  if (!document.hidden && known.runs.some((run) => run.alive)) timer = setTimeout(() => doing(enter), PAUSE_MS);
}

export function leave() {
  clearTimeout(timer);
}

const isGiven = (run) => given && (run.model === given || run.id === given);
const newest = (runs) => runs.toSorted((a, b) => (b.began ?? 0) - (a.began ?? 0))[0];

function take(overview) {
  known = overview;
  $("runs-none").hidden = overview.runs.length > 0;
  // The rows stay, so that the focus does: only what has changed in them is written.
  const list = $("runs-list"), rows = new Map([...list.rows].map((row) => [row.dataset.id, row]));
  list.replaceChildren(...overview.runs.map((run) => line(run, rows.get(run.id))));
  $("models-list").replaceChildren(...overview.models.map((model) =>
    make("tr", {}, make("th", { scope: "row" }, model.id), make("td", {}, model.trained ? "yes" : "no"),
      make("td", {}, model.file))));
}

function line(run, before) {
  const row = before ?? newLine(run);
  const state = run.alive ? `${run.status} now` : [run.status, run.chance ? "learned nothing" : ""].filter(Boolean).join(", ");
  row.cells[2].textContent = state;
  row.cells[2].title = [run.chance, ...run.problems].filter(Boolean).join("\n");
  return row;
}

function newLine(run) {
  const tick = make("input", { type: "checkbox", "aria-label": `show ${run.id}`, checked: ticked.has(run.id) });
  tick.addEventListener("change", () => {
    if (tick.checked) ticked.add(run.id);
    else ticked.delete(run.id);
    doing(curves);
  });
  const began = run.began ? new Date(1000 * run.began).toLocaleString() : "";
  return make("tr", { "data-id": run.id }, make("td", {}, tick), make("th", { scope: "row" }, run.id), make("td"),
    make("td"), make("td", {}, began));
}

async function curves() {
  const ids = known.runs.map((run) => run.id).filter((id) => ticked.has(id));
  const found = ids.length ? await get("/api/curves", { id: ids }) : {};
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
  const told = ids.find((id) => known.runs.find((run) => run.id === id).alive) ?? ids[0];
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
