// The model: front end, net and recogniser, which are the C of a device as WebAssembly.

/** Opens the module. `sink` has the functions columns(values, count), scores(time, scores, means) and
 *  detection(time, class index, score), which are called while samples are heard; times are milliseconds. */
async function openDetector(bytes, channels, classes, sink) {
  let memory;
  const imports = {
    columns(count, levels, values) {
      const size = count * channels;
      sink.columns(levels ? new Uint16Array(memory.buffer, levels, size) : new Float32Array(memory.buffer, values, size), count);
    },
    scores(time, scores, means) {
      sink.scores(time, new Uint8Array(memory.buffer, scores, classes).slice(), new Uint8Array(memory.buffer, means, classes).slice());
    },
    detection: (time, index, score) => sink.detection(time, index, score),
  };
  const { instance } = await WebAssembly.instantiate(bytes, { page: imports });
  const model = instance.exports;
  memory = model.memory;
  model.__wasm_call_ctors();
  model.open();
  const block = model.block();
  return {
    /** Int16Array of any length. */
    hear(samples) {
      for (let at = 0; at < samples.length; at += block) {
        const piece = samples.subarray(at, at + block);
        new Int16Array(memory.buffer, model.samples(), piece.length).set(piece);
        model.hear(piece.length);
      }
    },
    /** Begins anew, with one threshold for all classes; -1: with the model's own. */
    begin: (level) => model.use_threshold(level),
    /** What the mean of a class must be above; -1: it is never detected. */
    threshold: (index) => model.threshold(index),
  };
}
