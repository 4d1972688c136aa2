// The page: buttons, files and the microphone at one end, picture, list and lines at the other.

const MOST_LINES = 20000, MOST_LISTED = 500, LARGEST_FILE = 500e6;
const NO_SOUND = 'No sound comes from the browser. It needs an output for sound, such as headphones, before it gives a microphone.';
const element = (id) => document.getElementById(id);
const model = JSON.parse(element('model').textContent);

function decodeBase64(text) {
  const plain = atob(text), bytes = new Uint8Array(plain.length);
  for (let i = 0; i < plain.length; i++) bytes[i] = plain.charCodeAt(i);
  return bytes;
}

function seconds(time) {
  return `${(time / 1000).toFixed(2)} s`;
}

async function start() {
  const history = makeHistory(model);
  let lines = [], turn = 0, stopMicrophone = null, dirty = true, silence = 0;
  const detector = await openDetector(decodeBase64(element('wasm').textContent), model.channels, model.classes.length, {
    columns(values, count) { history.columns(values, count); dirty = true; },
    scores(time, scores, means) {
      history.add(time, scores, means);
      note(`Scores @${time}ms: ${scores.join(', ')}`);
    },
    detection(time, index, score) {
      history.detections.push({ time, index });
      note(`Detected class=${index} label=${model.classes[index]} score=${score} @${time}ms`);
      list(time, index, score);
    },
  });
  const draw = makePicture(element('picture'), model, history, detector.threshold);

  function note(line) {
    lines.push(line);
    if (lines.length > MOST_LINES) lines = lines.slice(MOST_LINES / 2);
  }
  function say(text) { element('status').textContent = text; }
  function complain(text) {
    if (element('error').textContent !== text) element('error').textContent = text; // which is read out
    element('error').hidden = !text;
  }

  function list(time, index, score) {
    const item = document.createElement('li'), button = document.createElement('button');
    button.type = 'button';
    button.textContent = `${model.classes[index]} at ${seconds(time)}, score ${score}`;
    button.onclick = () => lookAt(time + 2000);
    item.append(button);
    element('found').prepend(item);
    while (element('found').children.length > MOST_LISTED) element('found').lastChild.remove();
    element('none').hidden = true;
  }

  function lookAt(time) {
    const slider = element('back');
    slider.max = Math.ceil(history.length);
    slider.value = Number(slider.max) - Math.max(0, history.end - time);
    dirty = true;
  }

  function followEnd() { lookAt(history.end); }

  /** Stops what goes on, and begins with nothing heard. Returns a function: whether this turn is still the last. */
  function begin() {
    stop();
    const own = turn;
    forget();
    return () => own === turn;
  }

  function forget() {
    history.clear();
    lines = [];
    silence = 0;
    element('found').replaceChildren();
    element('none').hidden = false;
    followEnd();
    detector.begin(element('level').dataset.changed ? Number(element('level').value) : -1);
    complain('');
    dirty = true;
  }

  function stop() {
    turn++;
    if (stopMicrophone) stopMicrophone();
    stopMicrophone = null;
    element('listen').textContent = 'Listen to the microphone';
  }

  function ended(why) {
    stop();
    say(`${why} ${seconds(history.end)} were heard, with ${count()}.`);
  }

  function count() {
    const found = history.detections.length;
    return found === 1 ? '1 detection' : `${found} detections`;
  }

  async function listen() {
    if (stopMicrophone) return ended('Stopped.');
    const mine = begin();
    say('Asking for the microphone.');
    try {
      const close = await openMicrophone(model.rate, (samples) => { if (mine()) hear(samples); }, (why) => { if (mine()) ended(why); });
      if (!mine()) return close();
      stopMicrophone = close;
      element('listen').textContent = 'Stop';
      say(`Listening for ${model.listens_for}.`);
      setTimeout(() => { if (mine() && history.end === 0) complain(NO_SOUND); }, 4000);
    } catch (error) {
      if (!mine()) return;
      say('');
      complain(microphoneError(error));
    }
  }

  function hear(samples) {
    const slider = element('back'), live = Number(slider.value) >= Number(slider.max);
    detector.hear(samples);
    if (live) followEnd();
    else slider.max = Math.ceil(history.length);
    silence = samples.some((value) => value !== 0) ? 0 : silence + samples.length;
    complain(silence > 3 * model.rate ? 'Nothing but silence comes from the microphone. Is it muted, or is another one chosen?' : '');
  }

  async function hearFile(file) {
    const mine = begin();
    say(`Reading ${file.name}.`);
    try {
      if (file.size > LARGEST_FILE) throw new Error('it is larger than 500 MB');
      const samples = await readSound(await file.arrayBuffer(), model.rate);
      if (!samples.length) throw new Error('it holds no samples');
      const piece = model.rate * 2; // two seconds, then the page may draw
      for (let at = 0; at < samples.length; at += piece) {
        await new Promise((next) => setTimeout(next));
        if (!mine()) return;
        detector.hear(samples.subarray(at, at + piece));
        if (at % (30 * piece) === 0) say(`Hearing ${file.name}: ${Math.round((100 * at) / samples.length)} %.`);
      }
      followEnd();
      say(`${file.name}: ${seconds((samples.length * 1000) / model.rate)}, ${count()}.`);
      if (history.detections.length) lookAt(history.detections[0].time + 2000);
    } catch (error) {
      if (!mine()) return;
      say('');
      complain(`${file.name} cannot be heard: ${error.name === 'EncodingError' ? 'it is no sound that this browser knows' : error.message}.`);
    }
  }

  function legend() {
    const shown = model.classes.filter((_, index) => detector.threshold(index) >= 0);
    element('legend').replaceChildren(...shown.map((name, place) => {
      const item = document.createElement('li'), mark = document.createElement('span');
      mark.style.background = inkOf(place);
      item.append(mark, name);
      return item;
    }));
  }

  function frame() {
    if (dirty) {
      dirty = false;
      draw(Math.max(0, Number(element('back').max) - Number(element('back').value)));
      if (element('told').open) element('lines').textContent = lines.join('\n');
    }
    requestAnimationFrame(frame);
  }

  element('listen').onclick = listen;
  element('file').onchange = ({ target }) => {
    if (target.files.length) hearFile(target.files[0]);
    target.value = '';
  };
  element('back').oninput = element('told').ontoggle = () => { dirty = true; };
  const level = element('level');
  level.value = Math.max(...model.classes.map((_, index) => detector.threshold(index)));
  element('level_value').textContent = level.value;
  level.oninput = () => { element('level_value').textContent = level.value; };
  level.onchange = () => {
    level.dataset.changed = 'yes';
    if (stopMicrophone === null) {
      stop(); // a file that is being heard
      say('The threshold was changed: open the file again.');
    }
    forget();
  };
  element('save').onclick = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'text/plain' }));
    link.download = `${model.name}.txt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  for (const kind of ['dragenter', 'dragover']) {
    document.addEventListener(kind, (event) => { event.preventDefault(); document.body.classList.add('over'); });
  }
  document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) document.body.classList.remove('over'); });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('over');
    const [file] = event.dataTransfer.files;
    if (file) hearFile(file);
    else complain('What was dropped is no file.');
  });
  window.addEventListener('resize', () => { dirty = true; });
  DARK.addEventListener('change', () => { legend(); dirty = true; });
  legend();
  for (const id of ['listen', 'file', 'level']) element(id).disabled = false;
  say('Ready.');
  requestAnimationFrame(frame);
}

start().catch((error) => {
  element('status').textContent = '';
  element('error').hidden = false;
  element('error').textContent = `This browser cannot run the page: it takes one of 2023 or later (${error.name}: ${error.message}).`;
});
