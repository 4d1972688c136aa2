// The clips of a model's sources: to hear, relabel, trim and throw out.

import { Failure, address, doing, get, post, say } from "./api.js";
import { $, fill, make, player } from "./elements.js";

let offset = 0, labels = [], loaded = "", asked = 0;

export function start(overview) {
  // Of a bare .tflite nobody knows the data.
  const names = overview.models.filter((model) => model.file.endsWith(".py")).map((model) => [model.id, model.id]);
  fill($("clips-model"), names, overview.given);
  for (const id of ["clips-model", "clips-source", "clips-label"]) $(id).addEventListener("change", () => doing(anew));
  $("clips-text").addEventListener("input", () => doing(anew));
  $("clips-before").addEventListener("click", () => doing(() => turn(-1)));
  $("clips-after").addEventListener("click", () => doing(() => turn(1)));
}

export async function enter() {
  await load();
}

function anew() {
  offset = 0;
  return load();
}

let page = 25;

async function turn(step) {
  offset += step * page;
  await load();
  $("clips-count").scrollIntoView();
}

async function load() {
  const model = $("clips-model").value;
  if (!model) throw new Failure("There is no model here.");
  const other = model !== loaded;
  if (other) {
    $("clips-list").replaceChildren();
    $("clips-count").textContent = "Looking at the clips...";
  }
  const mine = ++asked;
  const found = await get("api/clips", {
    model, offset, text: $("clips-text").value,
    source: other ? "" : $("clips-source").value, label: other ? "" : $("clips-label").value,
  });
  // Who types fast asks faster than is answered: only the last answer counts.
  if (mine !== asked) return;
  loaded = model;
  ({ labels, page, offset } = found);
  fill($("clips-source"), [["", "all"], ...found.sources.map((one) => [one.name, `${one.name}: ${one.state}`])],
    other ? "" : undefined);
  fill($("clips-label"), [["", "all"], ...labels.map((label) => [label, label])], other ? "" : undefined);
  const last = offset + found.clips.length;
  $("clips-count").textContent = found.total
    ? `${offset + 1} to ${last} of ${found.total} clips`
    : "No clip of this kind is on this machine. In a shell, data MODEL --fetch gets and makes what is missing.";
  $("clips-before").disabled = offset === 0;
  $("clips-after").disabled = last >= found.total;
  $("clips-list").replaceChildren(...found.clips.map(card));
}

function card(clip) {
  const label = make("select");
  fill(label, labels.map((one) => [one, one]), clip.label);
  const from = seconds(clip.start), to = seconds(clip.end);
  const out = make("input", { type: "checkbox", checked: clip.out });
  const name = make("span", { class: clip.out ? "out" : "" }, clip.clip);
  const now = make("p", { class: "soft" }, `${clip.source}, ${clip.group}${clip.now ? `; ${clip.now}` : ""}`);
  const heard = () => address("api/sound", { file: clip.file, start: from.value || clip.start, end: to.value || clip.end });
  const sound = clip.here ? player(heard(), `${clip.label}: ${clip.clip}`) : make("p", { class: "soft" }, "It lies outside of the folder.");
  const save = make("button", { type: "button", disabled: true, "aria-label": `Save ${clip.clip}` }, "Save");
  const back = make("button", { type: "button", class: "plain", disabled: !clip.now, "aria-label": `As it was: ${clip.clip}` }, "As it was");
  const item = make("li", {}, name, now, sound, make("div", { class: "fields" },
    make("label", {}, "Label ", label), make("label", {}, "From ", from, " s"), make("label", {}, "To ", to, " s"),
    make("label", {}, out, " throw out"), save, back));
  const changed = () => {
    save.disabled = false;
    if (clip.here && from.value && to.value) sound.src = heard();
  };
  for (const field of [label, from, to, out]) field.addEventListener("change", changed);
  const keep = (change) => doing(async () => {
    const done = await post("api/clips", { model: loaded, clip: clip.clip, ...change });
    $("clips-command").textContent = done.command;
    say(`Saved: ${clip.clip}${done.clip.now ? `, ${done.clip.now}` : " is as it was"}`, true);
    const fresh = card(done.clip);
    item.replaceWith(fresh);
    fresh.querySelector("select").focus();
  });
  save.addEventListener("click", () => {
    const moved = Number(from.value) !== round(clip.given.start) || Number(to.value) !== round(clip.given.end);
    keep({
      label: label.value === clip.given.label ? "" : label.value,
      trim: moved ? [Number(from.value), Number(to.value)] : null,
      out: out.checked,
    });
  });
  back.addEventListener("click", () => keep({}));
  return item;
}

const round = (value) => Number((value ?? 0).toFixed(2));

function seconds(value) {
  return make("input", { type: "number", min: "0", step: "0.01", value: String(round(value)), size: "6" });
}
