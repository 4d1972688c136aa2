// The browser's microphone as int16 blocks. What browsers do to speech for telephony is switched off.

import { Failure } from "./api.js";

export class Microphone {
  // Opens it and calls `hear` with each block; `close` ends it.
  static async open(hear) {
    if (!navigator.mediaDevices) {
      throw new Failure("This browser gives a microphone only to pages of this machine (127.0.0.1) or over HTTPS.");
    }
    let stream;
    try {
      const plain = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    } catch (error) {
      throw new Failure(`The browser gives no microphone: ${error.message}`);
    }
    const context = new AudioContext();
    await context.audioWorklet.addModule("worklet.js");
    const node = new AudioWorkletNode(context, "blocks");
    node.port.onmessage = (event) => hear(event.data);
    // Through a gain of nothing: without a way to the loudspeaker the node is not run everywhere.
    const mute = new GainNode(context, { gain: 0 });
    context.createMediaStreamSource(stream).connect(node).connect(mute).connect(context.destination);
    await context.resume();
    return new Microphone(stream, context);
  }

  constructor(stream, context) {
    this.stream = stream;
    this.context = context;
    this.rate = context.sampleRate;
  }

  async close() {
    for (const track of this.stream.getTracks()) track.stop();
    if (this.context.state !== "closed") await this.context.close();
  }
}

// Blocks as a WAV file: 16-bit PCM, mono.
export function wav(blocks, rate) {
  const bytes = 2 * blocks.reduce((sum, block) => sum + block.length, 0);
  const head = new DataView(new ArrayBuffer(44));
  const text = (at, letters) => [...letters].forEach((letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, 2 * rate, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  text(36, "data");
  head.setUint32(40, bytes, true);
  return new Blob([head, ...blocks], { type: "audio/wav" });
}

// Level of a block as RMS in dB of full scale, at least -96.
export function level(block) {
  let sum = 0;
  for (const sample of block) sum += sample * sample;
  return Math.max(-96, 10 * Math.log10(sum / block.length / 2 ** 30 || 1e-10));
}
