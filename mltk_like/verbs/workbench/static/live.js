// A model that listens, on the server: the page sends it the microphone, or has it read a file, and draws.

import { Failure, address, background, doing, get, post, say } from "./api.js";
import { colour } from "./chart.js";
import { $, clock, fill, make } from "./elements.js";
import { Microphone } from "./microphone.js";

const SHOWN_MS = 8000, KEPT_MS = 60000, SHOWN_DETECTIONS = 50;
let session = null, microphone = null, waiting = [], sending = false, run = 0;
let heard = nothing(), endMs = 0, drawing = false;

function nothing() {
  return { columns: [], firstColumn: 0, steps: [], detections: [], ms: 0 };
}

export function start(overview) {
  const models = overview.models.filter((model) => model.trained).map((model) => [model.id, model.id]);
  const runs = overview.runs.filter((one) => one.trained).map((one) => [one.id, `${one.id} (run)`]);
  fill($("live-model"), [...models, ...runs], overview.given || (runs[0] ?? models[0])?.[0]);
  $("live-start").addEventListener("click", () => doing(listen));
  $("live-stop").addEventListener("click", () => doing(stop));
  $("live-write").addEventListener("click", () => doing(write));
  $("live-model").addEventListener("change", () => doing(reset));
  $("live-source").addEventListener("change", () => doing(reset));
  $("live-threshold").addEventListener("input", showThreshold);
  $("live-threshold").addEventListener("change", () => session && doing(listen));
  $("live-place").addEventListener("input", () => look(Number($("live-place").value)));
  $("live-player").addEventListener("timeupdate", () => look(1000 * $("live-player").currentTime + SHOWN_MS / 2));
}

export async function enter() {
  const files = (await get("api/sounds")).files;
  fill($("live-source"), [["", "the microphone of this browser"], ...files.map((file) => [file, file])]);
}

export function leave() {
  doing(stop);
}

// Another model or sound: its own threshold, and an empty picture.
async function reset() {
  await stop();
  session = null;
  buttons(false);
  heard = nothing();
  look(0);
  $("live-threshold-value").textContent = "";
  $("live-detections").replaceChildren();
}

async function listen() {
  // A threshold that the user moved holds; else it is the model's own.
  const threshold = session && session.id === $("live-model").value ? Number($("live-threshold").value) : undefined;
  await stop();
  const id = $("live-model").value, file = $("live-source").value;
  if (!id) throw new Failure("No model here is trained yet.");
  const begun = await post("api/live", { id, file: file || null, threshold });
  session = { ...begun, id, file };
  const mine = ++run;
  heard = nothing();
  $("live-command").textContent = begun.command;
  $("live-detections").replaceChildren();
  if (threshold === undefined) $("live-threshold").value = Math.min(254, ...ownThresholds());
  showThreshold();
  meters();
  buttons(true);
  const player = $("live-player");
  player.hidden = $("live-place-box").hidden = !file;
  if (file) {
    player.src = address("api/sound", { file });
    await readFile(mine);
  } else {
    await hearMicrophone(mine);
  }
}

// Of the classes that are detected: one may have a threshold of its own.
function ownThresholds() {
  const each = session.thresholds.filter((_, at) => !session.classes[at].startsWith("_"));
  return each.length ? each : [session.threshold];
}

async function hearMicrophone(mine) {
  waiting = [];
  try {
    microphone = await Microphone.open((block) => {
      waiting.push(block);
      if (!sending) background(() => send(mine));
    });
  } catch (error) {
    await stop();
    throw error;
  }
}

// One request at a time, each with all that was heard meanwhile.
async function send(mine) {
  sending = true;
  try {
    while (waiting.length && mine === run && microphone) {
      const blocks = waiting;
      waiting = [];
      const found = await post("api/live/audio", new Blob(blocks), { session: session.session, rate: microphone.rate });
      if (mine === run) take(found);
    }
  } catch (error) {
    await stop();
    throw error;
  } finally {
    sending = false;
  }
}

async function readFile(mine) {
  for (let done = false; !done && mine === run; ) {
    const found = await post("api/live/next", {}, { session: session.session });
    if (mine !== run) return;
    done = found.done;
    take(found);
    $("live-place").max = heard.ms;
    $("live-place").value = heard.ms;
    $("live-place-value").textContent = clock(heard.ms);
  }
  if (mine === run) await stop();
}

async function stop() {
  const closing = session && !session.closed ? session.session : null;
  if (session) session.closed = true;
  run += 1;
  buttons(false);
  const open = microphone;
  microphone = null;
  waiting = [];
  await open?.close();
  if (closing) await post("api/live/close", {}, { session: closing }).catch(() => {});
}

function buttons(listening) {
  $("live-start").disabled = listening;
  $("live-stop").disabled = !listening;
  $("live-write").disabled = $("live-threshold").disabled = !session;
}

function take(found) {
  const bytes = Uint8Array.from(atob(found.columns), (letter) => letter.charCodeAt(0));
  for (let at = 0; at < bytes.length; at += session.channels) heard.columns.push(bytes.subarray(at, at + session.channels));
  heard.steps.push(...found.steps);
  heard.ms = found.heard_ms;
  if (!session.file) forget();
  for (const detection of found.detections) {
    heard.detections.push(detection);
    $("live-detections").prepend(entry(detection));
    if ($("live-detections").children.length > SHOWN_DETECTIONS) $("live-detections").lastChild.remove();
  }
  const step = found.steps.findLast((one) => one.scores);
  if (step) step.scores.forEach((score, at) => showMeter(at, score));
  look(heard.ms);
}

function forget() {
  const first = Math.floor((heard.ms - KEPT_MS) / session.step_ms);
  const many = first - heard.firstColumn;
  if (many < 500) return;
  heard.columns.splice(0, many);
  heard.firstColumn = first;
  heard.steps = heard.steps.filter((step) => step.time_ms > heard.ms - KEPT_MS);
}

function entry(detection) {
  const text = `${clock(detection.time_ms)} ${detection.label}, score ${detection.score}`;
  if (!session.file) return make("li", {}, text);
  const go = () => {
    $("live-place").value = detection.time_ms + SHOWN_MS / 4;
    look(Number($("live-place").value));
    $("live-player").currentTime = Math.max(0, (detection.time_ms - session.window_ms) / 1000);
    $("live-player").play();
  };
  return make("li", {}, make("button", { class: "plain", type: "button", onclick: go }, `Hear ${text}`));
}

async function write() {
  const found = await post("api/threshold", { id: session.id, threshold: Number($("live-threshold").value) });
  say(`Written: ${found.text} (in a shell: ${found.command})`, true);
}

function showThreshold() {
  $("live-threshold-value").textContent = `${$("live-threshold").value} of 255`;
  look(endMs);
}

function meters() {
  $("live-meters").replaceChildren(...session.classes.map((label, at) => {
    const id = `live-meter-${at}`;
    return make("div", { class: "meter" }, make("label", { for: id }, label), make("meter", { id, min: "0", max: "255", value: 0 }),
      make("span", { id: `${id}-value` }, "0"));
  }));
}

function showMeter(at, score) {
  $(`live-meter-${at}`).value = score;
  $(`live-meter-${at}-value`).textContent = score;
}

function look(ms) {
  endMs = ms;
  $("live-place-value").textContent = clock(ms);
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawSpectrogram($("live-spectrogram"));
    drawScores($("live-scores"));
  });
}

// Black, violet, orange, light yellow: as dark as it is silent.
const MAP = [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]];
const SHADES = Array.from({ length: 256 }, (_, value) => {
  const place = (value / 255) * (MAP.length - 1), low = Math.min(Math.floor(place), MAP.length - 2);
  return MAP[low].map((part, at) => part + (MAP[low + 1][at] - part) * (place - low));
});

function drawSpectrogram(canvas) {
  const context = canvas.getContext("2d");
  context.fillStyle = "#000004";
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (!session) return;
  const many = Math.round(SHOWN_MS / session.step_ms), last = Math.round(endMs / session.step_ms);
  const image = new ImageData(many, session.channels);
  for (let x = 0; x < many; x++) {
    const column = heard.columns[last - many + x - heard.firstColumn];
    if (!column) continue;
    for (let band = 0; band < session.channels; band++) {
      image.data.set([...SHADES[column[band]], 255], 4 * ((session.channels - 1 - band) * many + x));
    }
  }
  const small = new OffscreenCanvas(many, session.channels);
  small.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

function drawScores(canvas) {
  const context = canvas.getContext("2d"), { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (!session) return;
  const x = (ms) => width * (1 - (endMs - ms) / SHOWN_MS), y = (score) => height - 4 - ((height - 8) * score) / 255;
  const steps = heard.steps.filter((step) => step.scores && step.time_ms > endMs - SHOWN_MS && step.time_ms <= endMs);
  context.lineWidth = 2;
  session.classes.forEach((label, at) => {
    context.strokeStyle = colour(at);
    context.setLineDash(label.startsWith("_") ? [3, 4] : []);
    context.beginPath();
    for (const step of steps) context.lineTo(x(step.time_ms), y(step.scores[at]));
    context.stroke();
  });
  const soft = getComputedStyle(document.body).color;
  context.strokeStyle = context.fillStyle = soft;
  context.setLineDash([8, 5]);
  context.lineWidth = 1;
  const threshold = Number($("live-threshold").value);
  context.beginPath();
  context.moveTo(0, y(threshold));
  context.lineTo(width, y(threshold));
  context.stroke();
  context.setLineDash([]);
  context.font = "14px system-ui, sans-serif";
  for (const found of heard.detections) {
    if (found.time_ms <= endMs - SHOWN_MS || found.time_ms > endMs) continue;
    context.beginPath();
    context.moveTo(x(found.time_ms), 0);
    context.lineTo(x(found.time_ms), height);
    context.stroke();
    context.fillText(found.label, Math.min(x(found.time_ms) + 4, width - 80), 14);
  }
}
