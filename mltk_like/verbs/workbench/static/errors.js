// Errors of stored evaluations, to be heard, and the curves of several models in one plot.

import { address, doing, get } from "./api.js";
import { $, fill, make, player } from "./elements.js";

let judged = [], given = "";

export function start(overview) {
  given = overview.given;
  $("errors-condition").addEventListener("change", draw);
  $("errors-model").addEventListener("change", () => doing(list));
}

export async function enter() {
  judged = (await get("api/judged")).models;
  const ticked = new Set(chosen());
  if (!ticked.size && judged.length) ticked.add(judged.find((one) => one.id === given)?.id ?? judged[0].id);
  $("errors-models").replaceChildren(make("legend", {}, "Models and runs"), ...judged.map((one) => {
    const tick = make("input", { type: "checkbox", value: one.id, checked: ticked.has(one.id) });
    tick.addEventListener("change", draw);
    return make("label", {}, tick, ` ${one.id} `);
  }));
  if (!judged.length) $("errors-models").append("None here has been judged yet: train evaluates at its end.");
  fill($("errors-model"), judged.map((one) => [one.id, one.id]), $("errors-model").value || [...ticked][0]);
  draw();
  await list();
}

const chosen = () => [...$("errors-models").querySelectorAll("input:checked")].map((tick) => tick.value);

function draw() {
  const ids = chosen();
  const conditions = new Set(judged.filter((one) => ids.includes(one.id)).flatMap((one) => one.conditions));
  fill($("errors-condition"), [...conditions].map((name) => [name, name]));
  $("errors-det").hidden = !ids.length;
  if (!ids.length) return;
  const condition = $("errors-condition").value, plot = $("errors-plot");
  plot.alt = `Misses against false accepts an hour, ${condition}, of ${ids.join(", ")}`;
  plot.onerror = () => doing(() => get("api/det.png", { id: ids, condition }));
  plot.src = address("api/det.png", { id: ids, condition });
}

async function list() {
  const id = $("errors-model").value;
  if (!id) return;
  const found = await get("api/errors", { id });
  const points = Object.entries(found.points).map(([condition, all]) => {
    const said = all.filter((one) => one.threshold !== undefined && one.positives)
      .map((one) => `${one.misses} of ${one.positives} at ${one.rate} false accepts an hour (threshold ${one.threshold})`);
    return `${condition}: missed ${said.join("; ") || "not measured"}.`;
  });
  $("errors-what").textContent = `“${found.label}”, ${found.form}, on ${found.data}; ${found.hours.toFixed(2)} h without it. `
    + `The model's own threshold is ${found.threshold ?? "not stored"}. ${points.join(" ")}`;
  const none = found.listed ? "None." : "Not stored with this evaluation.";
  show($("errors-misses"), found.misses, (one) => `score ${one.score}, ${one.condition}: ${one.label} by ${one.group}`, none);
  show($("errors-accepts"), found.accepts, (one) => `score ${one.score}: taken for ${one.label}, ${one.source}, ${one.group}`, none);
}

function show(place, all, said, none) {
  place.replaceChildren(...all.map((one) => {
    const text = said(one);
    const sound = one.problem
      ? make("p", { class: "soft" }, `No sound: ${one.problem}.`)
      : player(address("api/sound", { file: one.file, start: Math.max(0, one.start), end: one.end }), text);
    return make("li", {}, text, make("p", { class: "soft" }, `${one.file} at ${one.time.toFixed(2)} s`), sound);
  }));
  if (!all.length) place.append(make("li", { class: "soft" }, none));
}
