// What was heard of late, and its picture: columns of the front end above, scores and threshold below.

const KEPT_MS = 600000; // ten minutes can be looked back at
const SHOWN_MS = 8000;
const INKS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#a36a00', '#56b4e9'];
const INKS_ON_DARK = ['#62b5ea', '#ff9a5c', '#2ec4a0', '#e6a0cc', '#f0c050', '#9ad0f5'];
const DARK = matchMedia('(prefers-color-scheme: dark)');
// Black through purple and orange to yellow, as in the other pictures of spectrograms.
const HEAT = [[0, 0, 4], [59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]];

function makeHistory(model) {
  const most = Math.ceil(KEPT_MS / model.step_ms);
  let store, count, first;
  const history = {
    end: 0, scores: [], detections: [],
    clear() {
      store = new Float32Array(1024 * model.channels);
      count = first = history.end = 0;
      history.scores = [];
      history.detections = [];
    },
    columns(values, fresh) {
      if (count + fresh > most) { // the older half goes
        const half = Math.floor(count / 2);
        store.copyWithin(0, half * model.channels, count * model.channels);
        first += half;
        count -= half;
      }
      if ((count + fresh) * model.channels > store.length) {
        const larger = new Float32Array(Math.min(2 * store.length, (most + 1024) * model.channels));
        larger.set(store);
        store = larger;
      }
      store.set(values, count * model.channels);
      count += fresh;
      history.end = model.window_ms + (first + count - 1) * model.step_ms;
    },
    add(time, scores, means) {
      history.scores.push({ time, scores, means });
      if (history.scores[0].time < time - KEPT_MS - 10000) {
        history.scores = history.scores.filter((one) => one.time >= time - KEPT_MS);
        history.detections = history.detections.filter((one) => one.time >= time - KEPT_MS);
      }
    },
    /** How far back one can look, in milliseconds. */
    get length() { return count * model.step_ms; },
    /** Columns that end in a stretch of time: their values, how many, and the time of the first. */
    between(from, to) {
      const at = (time) => Math.max(0, Math.min(count, Math.ceil((time - model.window_ms) / model.step_ms) - first));
      const start = at(from), stop = at(to + 1);
      return {
        values: store.subarray(start * model.channels, stop * model.channels),
        count: stop - start,
        time: model.window_ms + (first + start) * model.step_ms,
      };
    },
  };
  history.clear();
  return history;
}

/** What the class is drawn with that is the `place`th of those that can be detected. */
function inkOf(place) {
  const inks = DARK.matches ? INKS_ON_DARK : INKS;
  return inks[place % inks.length];
}

function heatColours() {
  const out = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (HEAT.length - 1), low = Math.min(HEAT.length - 2, Math.floor(place));
    const [r, g, b] = HEAT[low].map((value, c) => Math.round(value + (HEAT[low + 1][c] - value) * (place - low)));
    out[i] = (255 << 24) | (b << 16) | (g << 8) | r; // of a machine that counts from the low end, as all of today
  }
  return out;
}

function makePicture(canvas, model, history, threshold) {
  const colours = heatColours(), buffer = document.createElement('canvas');
  const pen = canvas.getContext('2d'), inner = buffer.getContext('2d');
  const drawn = model.classes.map((name, index) => ({ name, index })).filter(({ index }) => threshold(index) >= 0);

  function spectrogram(from, to, x, width, height) {
    const seen = history.between(from, to);
    if (!seen.count) return;
    let low = Infinity, high = -Infinity;
    for (const value of seen.values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const scale = high > low ? 255 / (high - low) : 0;
    buffer.width = seen.count;
    buffer.height = model.channels;
    const image = inner.createImageData(seen.count, model.channels), pixels = new Uint32Array(image.data.buffer);
    for (let column = 0, at = 0; column < seen.count; column++) {
      for (let band = model.channels - 1; band >= 0; band--) {
        pixels[band * seen.count + column] = colours[Math.round((seen.values[at++] - low) * scale)];
      }
    }
    inner.putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(buffer, x(seen.time - model.step_ms), 0, (seen.count * model.step_ms * width) / (to - from), height);
  }

  function curve(from, to, x, y, index, take) {
    pen.beginPath();
    let before = null;
    for (const one of history.scores) {
      if (one.time >= from - 1000 && one.time <= to) {
        const joined = before !== null && one.time - before <= 2 * model.latency_ms;
        pen[joined ? 'lineTo' : 'moveTo'](x(one.time), y(take(one)[index]));
        before = one.time;
      }
    }
    pen.stroke();
  }

  /** Draws the stretch that ends `back` milliseconds before the end. */
  return function draw(back) {
    const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
    if (!box.width) return;
    canvas.width = Math.round(box.width * ratio);
    canvas.height = Math.round(box.height * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(canvas), text = style.color, line = style.getPropertyValue('--line');
    const width = box.width, middle = Math.round(box.height * 0.5), low = box.height - 18, top = middle + 8;
    const to = Math.max(history.end - back, SHOWN_MS), from = to - SHOWN_MS;
    const x = (time) => ((time - from) / SHOWN_MS) * width;
    const y = (score) => low - ((low - top) * score) / 255;
    pen.fillStyle = '#000004';
    pen.fillRect(0, 0, width, middle);
    spectrogram(from, to, x, width, middle);
    pen.font = '12px system-ui, sans-serif';
    pen.lineWidth = 1;
    pen.textAlign = 'center';
    for (let second = Math.ceil(from / 1000); second * 1000 <= to; second++) {
      pen.strokeStyle = line;
      pen.beginPath();
      pen.moveTo(x(second * 1000), top);
      pen.lineTo(x(second * 1000), low);
      pen.stroke();
      pen.fillStyle = text;
      if (second % 2 === 0 && second >= 0) pen.fillText(`${second} s`, Math.max(12, Math.min(width - 14, x(second * 1000))), box.height - 4);
    }
    drawn.forEach(({ index }, place) => {
      pen.strokeStyle = inkOf(place);
      pen.setLineDash([6, 4]);
      pen.beginPath();
      pen.moveTo(0, y(threshold(index)));
      pen.lineTo(width, y(threshold(index)));
      pen.stroke();
      pen.setLineDash([]);
      pen.globalAlpha = 0.6;
      curve(from, to, x, y, index, (one) => one.scores);
      pen.globalAlpha = 1;
      pen.lineWidth = 2.5;
      curve(from, to, x, y, index, (one) => one.means);
      pen.lineWidth = 1;
    });
    pen.textAlign = 'right';
    for (const { time, index } of history.detections) {
      if (time < from || time > to) continue;
      pen.fillStyle = pen.strokeStyle = '#fcfdbf';
      pen.fillRect(x(time) - 1, 0, 2, middle);
      pen.font = 'bold 14px system-ui, sans-serif';
      pen.lineWidth = 3;
      pen.strokeStyle = '#000004';
      const name = model.classes[index], place = Math.max(x(time) - 5, pen.measureText(name).width + 4);
      pen.strokeText(name, place, 18);
      pen.fillText(name, place, 18);
    }
  };
}
