/* Shows how loud the open microphone is, for as long as the recorder holds it. Runs after recorder.js, whose microphone
   it listens to. METER comes from phone.py. */
(() => {
  const TICK_MS = 100;
  const WINDOW = 8192; // samples: more than a tick at any usual rate, so that no peak is missed
  const BREATH = 30; // ticks that are judged together: a pause between two breaths is not too quiet
  const SETTLED = 10; // ticks until there is enough to judge
  const LIMIT = 0.999; // of full scale
  const { words } = METER;

  const devices = navigator.mediaDevices;
  if (!devices || !devices.getUserMedia) return;

  let running = null;

  function judge(ticks) {
    if (Math.max(...ticks.map((tick) => tick.peak)) >= LIMIT) return "clipping";
    if (ticks.length < SETTLED) return "listening";
    const power = ticks.reduce((sum, tick) => sum + tick.power, 0) / ticks.length;
    return Math.sqrt(power) < METER.quiet ? "quiet" : "good";
  }

  function measure(samples) {
    let sum = 0, squares = 0, peak = 0;
    for (const sample of samples) {
      sum += sample;
      squares += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
    }
    const mean = sum / samples.length; // an offset is no sound
    return { power: Math.max(squares / samples.length - mean * mean, 0), peak };
  }

  function draw(place, tick, state) {
    const dB = (value) => Math.max(METER.lowest_db, Math.min(0, 20 * Math.log10(value || 1e-9)));
    const levels = { rms: dB(Math.sqrt(tick.power)), peak: dB(tick.peak) };
    const scale = place.querySelector("[role=meter]");
    for (const [name, level] of Object.entries(levels)) {
      scale.style.setProperty(`--${name}`, `${100 - (100 * level) / METER.lowest_db}%`);
      levels[name] = Math.round(level).toString().replace("-", "−");
    }
    const text = words.value.replace(/{(\w+)}/g, (_, name) => levels[name]);
    const verdict = place.querySelector("strong");
    scale.setAttribute("aria-valuenow", levels.rms.replace("−", "-"));
    scale.setAttribute("aria-valuetext", text);
    place.querySelector("span").textContent = text;
    place.dataset.state = state;
    if (verdict.textContent !== words[state]) verdict.textContent = words[state]; // said once, not at every tick
  }

  async function watch(stream) {
    const [track] = stream.getAudioTracks();
    const place = document.getElementById("level");
    if (!track || !place) return;
    if (running) running();
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: WINDOW });
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(WINDOW), ticks = [];
    const timer = setInterval(() => {
      if (track.readyState === "ended") return running(); // stop() raises no event
      analyser.getFloatTimeDomainData(samples);
      ticks.push(measure(samples));
      if (ticks.length > BREATH) ticks.shift();
      draw(place, ticks.at(-1), judge(ticks));
    }, TICK_MS);
    running = () => {
      clearInterval(timer);
      context.close();
      place.hidden = true;
      running = null;
    };
    place.hidden = false;
    await context.resume();
  }

  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    const stream = await open(constraints);
    watch(stream).catch(console.warn); // a recording without a meter is still one
    return stream;
  };
})();
