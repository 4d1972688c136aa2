// Recording from the browser's microphone. What is kept is sent as WAV and written as the verb `record` does.

import { Failure, address, doing, get, post, say } from "./api.js";
import { $, clock, fill, make, player } from "./elements.js";
import { Microphone, level, wav } from "./microphone.js";

const LONGEST_S = 600;
let microphone = null, blocks = [], count = 0, recorded = null;

export function start(overview) {
  $("record-start").addEventListener("click", () => doing(begin));
  $("record-stop").addEventListener("click", () => doing(stop));
  $("record-save").addEventListener("click", () => doing(keep));
  $("record-label").addEventListener("input", command);
  for (const radio of document.getElementsByName("record-kind")) radio.addEventListener("change", kind);
  $("record-labels").replaceChildren(...["_noise_", "_unknown_"].map((value) => make("option", { value })));
  command();
}

export async function enter() {
  const found = await get("api/recordings");
  $("record-list").replaceChildren(...found.recordings.map(entry));
  if (!found.total) $("record-list").append(make("li", { class: "soft" }, "There are none yet."));
}

export function leave() {
  if (microphone) doing(stop);
}

const whole = () => document.querySelector("[name=record-kind]:checked").value === "whole";

// A room is background for every model.
function kind() {
  const label = $("record-label");
  if (whole() && !label.value) label.value = "_noise_";
  else if (!whole() && label.value === "_noise_") label.value = "";
  command();
}

function command() {
  const label = $("record-label").value || "LABEL";
  $("record-command").textContent = `python -m mltk_like record ${label}${whole() ? " --whole" : ""}`;
}

async function begin() {
  const label = $("record-label");
  if (!label.checkValidity()) {
    label.focus();
    throw new Failure("Say first what is recorded: a label of letters, digits, _ and -.");
  }
  blocks = [];
  count = 0;
  recorded = null;
  $("record-player").hidden = $("record-result").hidden = true;
  $("record-save").disabled = true;
  microphone = await Microphone.open(hear);
  $("record-start").disabled = true;
  $("record-stop").disabled = false;
  $("record-stop").focus();
}

function hear(block) {
  if (!microphone) return;
  blocks.push(block);
  count += block.length;
  $("record-level").value = level(block);
  $("record-time").textContent = clock((1000 * count) / microphone.rate);
  if (count >= LONGEST_S * microphone.rate) doing(stop);
}

async function stop() {
  const open = microphone;
  microphone = null;
  $("record-start").disabled = false;
  $("record-stop").disabled = true;
  $("record-level").value = -96;
  await open?.close();
  if (!open || !blocks.length) throw new Failure("Nothing was heard. Is the microphone muted?");
  recorded = wav(blocks, open.rate);
  const sound = $("record-player");
  URL.revokeObjectURL(sound.src);
  sound.src = URL.createObjectURL(recorded);
  sound.hidden = false;
  $("record-save").disabled = false;
  $("record-save").focus();
}

async function keep() {
  const found = await post("api/recordings", recorded, { label: $("record-label").value, whole: whole() ? 1 : 0 });
  recorded = null;
  $("record-save").disabled = true;
  $("record-result").hidden = false;
  $("record-result").textContent = found.text;
  $("record-command").textContent = found.command;
  say(`Kept as ${found.audio}.`, true);
  $("record-start").focus();
  await enter();
}

function entry(one) {
  if (one.problem) return make("li", {}, `${one.file}: ${one.problem}`);
  const counts = Object.entries(one.labels).map(([label, many]) => `${many} x ${label}`).join(", ") || "no label";
  const places = make("select", { "aria-label": `Events of ${one.file}` });
  const sound = player(address("api/sound", { file: one.file }), one.file);
  fill(places, [["", "all of it"], ...one.events.map((event, at) =>
    [String(at), `${event.start.toFixed(2)} to ${event.end.toFixed(2)} s: ${event.label}`])]);
  places.addEventListener("change", () => {
    const event = one.events[places.value] ?? {};
    sound.src = address("api/sound", { file: one.file, start: event.start, end: event.end });
    sound.play();
  });
  return make("li", {}, `${one.file} (${one.seconds.toFixed(1)} s; ${counts})`, sound, one.events.length ? places : null);
}
