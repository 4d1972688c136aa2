// Line charts as SVG: a line for each series, with its own colour and dashes, and a legend that says which.

import { make } from "./elements.js";

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00", "#7a7f87"];
const WIDTH = 420, HEIGHT = 220, LEFT = 48, RIGHT = 8, TOP = 8, BOTTOM = 24;

export const colour = (place) => COLOURS[place % COLOURS.length];

function svg(tag, attributes = {}, text = "") {
  const found = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  if (text) found.textContent = text;
  return found;
}

// series: [{name, values, place, dashed}]; values are numbers or null, one an epoch.
export function lineChart(title, series) {
  const all = series.flatMap((one) => one.values.filter((value) => value !== null));
  const count = Math.max(1, ...series.map((one) => one.values.length));
  const low = Math.min(...all), high = Math.max(...all);
  const span = high - low || Math.abs(high) || 1;
  const x = (epoch) => LEFT + ((WIDTH - LEFT - RIGHT) * (epoch - 1)) / Math.max(count - 1, 1);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / span);
  const last = series.map((one) => `${one.name}: ${figure(one.values.filter((v) => v !== null).at(-1))}`);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  drawing.setAttribute("aria-label", `${title} over ${count} epochs. Latest: ${last.join("; ")}`);
  for (const part of [0, 0.5, 1]) {
    const value = low + part * span;
    drawing.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }));
    drawing.append(svg("text", { x: LEFT - 4, y: y(value) + 4, "text-anchor": "end" }, figure(value)));
  }
  drawing.append(svg("text", { x: LEFT, y: HEIGHT - 6 }, "1"));
  drawing.append(svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, `epoch ${count}`));
  for (const one of series) drawing.append(...lines(one, x, y));
  const legend = make("ul", { class: "legend" }, ...series.map((one) => make("li", {}, sample(one), ` ${one.name}`)));
  return make("figure", {}, make("figcaption", {}, title), drawing, legend);
}

function lines(one, x, y) {
  const style = { fill: "none", stroke: colour(one.place), "stroke-width": 2, "stroke-dasharray": one.dashed ? "5 4" : "none" };
  const parts = [[]];
  one.values.forEach((value, at) => (value === null ? parts.push([]) : parts.at(-1).push([x(at + 1), y(value)])));
  return parts.filter((part) => part.length).map((part) =>
    part.length === 1
      ? svg("circle", { cx: part[0][0], cy: part[0][1], r: 3, fill: colour(one.place) })
      : svg("polyline", { ...style, points: part.map((point) => point.join(",")).join(" ") }));
}

function sample(one) {
  const drawing = svg("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" });
  drawing.append(svg("path", { d: "M0 5H30", stroke: colour(one.place), "stroke-width": 3, "stroke-dasharray": one.dashed ? "6 5" : "none" }));
  return drawing;
}

function figure(value) {
  return value === undefined ? "none" : Number(value.toPrecision(3)).toString();
}
