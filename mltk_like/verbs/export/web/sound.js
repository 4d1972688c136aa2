// Sound: files and the microphone become mono int16 at the model's rate.

/** Full scale at 1 to int16: times 32768, rounded (halves to even), saturated. */
function toInt16(values) {
  const out = new Int16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const scaled = values[i] * 32768, near = Math.round(scaled);
    const even = near - scaled === 0.5 && near % 2 !== 0 ? near - 1 : near;
    out[i] = Math.max(-32768, Math.min(32767, even));
  }
  return out;
}

function greatestDivisor(a, b) {
  return b ? greatestDivisor(b, a % b) : a;
}

/** Samples at another rate, block by block: a sinc below a Kaiser window (beta 9), 32 zero crossings to each side, that
 *  passes 91 % of what the lower rate holds. Output sample n lies at the time of n. `finish()` gives the last ones. */
function makeResampler(from, to) {
  if (from === to) return { push: (block) => block, finish: () => new Float32Array(0) };
  const divisor = greatestDivisor(from, to);
  const up = to / divisor, down = from / divisor;
  const cutoff = 0.955 * Math.min(1, to / from), half = Math.ceil(32 / cutoff);
  const phases = new Map();
  let held = new Float32Array(half), first = -half; // place of held[0] among the input's samples
  let place = 0, phase = 0; // of the next output: sample `place`, and `phase` of `up` parts of a sample

  function bessel(x) {
    let sum = 1, term = 1;
    for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
    return sum;
  }
  function taps(part) { // for samples place - half + 1 .. place + half
    let made = phases.get(part);
    if (!made) {
      made = new Float32Array(2 * half);
      for (let i = 0; i < 2 * half; i++) {
        const x = i - half + 1 - part / up, edge = x / half;
        const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
        made[i] = edge * edge < 1 ? cutoff * sinc * bessel(9 * Math.sqrt(1 - edge * edge)) / bessel(9) : 0;
      }
      phases.set(part, made);
    }
    return made;
  }
  function push(block) {
    const joined = new Float32Array(held.length + block.length);
    joined.set(held);
    joined.set(block, held.length);
    const out = [];
    while (place + half < first + joined.length) {
      const weights = taps(phase), start = place - half + 1 - first;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * joined[start + i];
      out.push(sum);
      phase += down;
      place += Math.floor(phase / up);
      phase %= up;
    }
    const kept = Math.min(joined.length, Math.max(0, place - half + 1 - first));
    held = joined.slice(kept);
    first += kept;
    return Float32Array.from(out);
  }
  return {
    push,
    finish() {
      const end = first + held.length; // outputs lie before the end of what came
      const rest = push(new Float32Array(half + 1));
      const beyond = Math.floor((place + phase / up - end) * up / down + 1e-9);
      return rest.subarray(0, Math.max(0, rest.length - Math.max(0, beyond)));
    },
  };
}

/** A WAV file of plain samples as { rate, samples }: int16 where it is 16-bit and mono, else floats, the mean of the
 *  channels. Null: it is something else, which the browser may know. */
function readWav(buffer) {
  const view = new DataView(buffer);
  const name = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE') return null;
  let form = null;
  for (let at = 12; at + 8 <= buffer.byteLength;) {
    const size = view.getUint32(at + 4, true), body = at + 8;
    if (name(at) === 'fmt ' && size >= 16 && body + 16 <= buffer.byteLength) {
      const tag = view.getUint16(body, true);
      const inner = tag === 0xfffe && size >= 26 && body + 26 <= buffer.byteLength;
      form = {
        tag: inner ? view.getUint16(body + 24, true) : tag,
        channels: view.getUint16(body + 2, true),
        rate: view.getUint32(body + 4, true),
        bits: view.getUint16(body + 14, true),
      };
    } else if (name(at) === 'data' && form) {
      // A program that was ended while it recorded leaves a size of 0, or the largest.
      const whole = size === 0 ? buffer.byteLength - body : Math.min(size, buffer.byteLength - body);
      return samplesOf(view, body, whole, form);
    }
    at = body + size + (size & 1);
  }
  return null;
}

function samplesOf(view, start, size, { tag, channels, rate, bits }) {
  const readers = {
    '1/8': (at) => (view.getUint8(at) - 128) / 128,
    '1/16': (at) => view.getInt16(at, true) / 32768,
    '1/24': (at) => ((view.getUint8(at) | (view.getInt16(at + 1, true) << 8)) / 8388608),
    '1/32': (at) => view.getInt32(at, true) / 2147483648,
    '3/32': (at) => view.getFloat32(at, true),
    '3/64': (at) => view.getFloat64(at, true),
  };
  const read = readers[`${tag}/${bits}`], width = bits / 8;
  if (!read || channels < 1 || rate < 1000 || rate > 768000) return null;
  const count = Math.floor(size / (width * channels));
  if (channels === 1 && bits === 16) {
    const exact = new Int16Array(count);
    for (let i = 0; i < count; i++) exact[i] = view.getInt16(start + 2 * i, true);
    return { rate, samples: exact };
  }
  const mono = new Float32Array(count);
  for (let i = 0, at = start; i < count; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++, at += width) sum += read(at);
    mono[i] = sum / channels;
  }
  return { rate, samples: mono };
}

/** A file as an Int16Array at `rate`. Throws where the browser cannot read it. */
async function readSound(buffer, rate) {
  const plain = readWav(buffer);
  if (plain && plain.rate === rate) return plain.samples instanceof Int16Array ? plain.samples : toInt16(plain.samples);
  if (plain) {
    const floats = plain.samples instanceof Int16Array ? Float32Array.from(plain.samples, (x) => x / 32768) : plain.samples;
    return resampled(floats, plain.rate, rate);
  }
  // The browser gives other kinds at the context's rate.
  const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(buffer);
  const mono = new Float32Array(sound.length);
  for (let c = 0; c < sound.numberOfChannels; c++) {
    const channel = sound.getChannelData(c);
    for (let i = 0; i < mono.length; i++) mono[i] += channel[i] / sound.numberOfChannels;
  }
  return resampled(mono, sound.sampleRate, rate);
}

function resampled(floats, from, to) {
  const resampler = makeResampler(from, to);
  const body = toInt16(resampler.push(floats)), end = toInt16(resampler.finish());
  const out = new Int16Array(body.length + end.length);
  out.set(body);
  out.set(end, body.length);
  return out;
}

const WORKLET = `registerProcessor('listen', class extends AudioWorkletProcessor {
  constructor() { super(); this.block = new Float32Array(1024); this.used = 0; }
  process(inputs) {
    const samples = inputs[0][0];
    if (samples) for (let i = 0; i < samples.length; i++) {
      this.block[this.used++] = samples[i];
      if (this.used === this.block.length) {
        this.port.postMessage(this.block, [this.block.buffer]);
        this.block = new Float32Array(1024); this.used = 0;
      }
    }
    return true;
  }
});`;

/** A node that gives what it hears to `take`, in blocks of Float32Array, and sends silence on. */
async function listeningNode(context, take) {
  try {
    // A page that is a file has no address of its own; Chromium refuses it blob: here.
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(WORKLET)}`);
    const node = new AudioWorkletNode(context, 'listen', { channelCount: 1, channelCountMode: 'explicit' });
    node.port.onmessage = ({ data }) => take(data);
    return node;
  } catch {
    const node = context.createScriptProcessor(4096, 1, 1); // the older way, which needs no address
    node.onaudioprocess = ({ inputBuffer }) => take(inputBuffer.getChannelData(0).slice());
    return node;
  }
}

/** Listens to the microphone: hear(Int16Array) for each block at `rate`, ended(why) where it stops by itself. Must be
 *  called while a key or button is being pressed. Returns a function that stops it. */
async function openMicrophone(rate, hear, ended) {
  if (!navigator.mediaDevices || !window.AudioContext) {
    throw new DOMException('', window.isSecureContext ? 'NotSupportedError' : 'SecurityError');
  }
  // iOS lets a context run only where it is made at once. Its own rate is kept: Firefox refuses another.
  const context = new AudioContext();
  let stream = null;
  const stop = () => {
    if (stream) for (const track of stream.getTracks()) track.stop();
    if (context.state !== 'closed') context.close();
  };
  try {
    context.resume(); // which is not waited for: it may never be done
    // What browsers do for telephone calls changes the sound.
    const plain = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    const resampler = makeResampler(context.sampleRate, rate);
    const node = await listeningNode(context, (block) => hear(toInt16(resampler.push(block))));
    for (const track of stream.getTracks()) track.onended = () => ended('The microphone was taken away.');
    context.onstatechange = () => {
      if (context.state === 'interrupted' || context.state === 'suspended') ended('The system paused the microphone.');
    };
    context.createMediaStreamSource(stream).connect(node).connect(context.destination); // which it sends silence
    return stop;
  } catch (error) {
    stop();
    throw error;
  }
}

/** Why there is no microphone, in words. */
function microphoneError(error) {
  const words = {
    NotAllowedError: 'The microphone is not allowed. Allow it for this page in the browser’s settings (often a symbol beside the address), and in the system’s.',
    NotFoundError: 'There is no microphone. Plug one in, and press the button again.',
    NotReadableError: 'The microphone cannot be opened. Another program may be using it.',
    SecurityError: 'Browsers give the microphone only to pages from https addresses, from localhost and from files. Sound files work here.',
    NotSupportedError: 'This browser gives pages no microphone. Sound files work here.',
  };
  return words[error.name] || `The microphone cannot be opened (${error.name}: ${error.message}).`;
}
