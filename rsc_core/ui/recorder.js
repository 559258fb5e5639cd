/* Opens the microphone raw: echo cancellation, noise suppression and automatic gain are made for speech and erase lung
   sounds. Runs before the recorder exists, so that it never sees the browser's own getUserMedia. WORDS comes from
   texts/recorder.py. Where the browser can, recorded sound is kept as PCM instead of being compressed. */
(() => {
  const PROCESSING = ["echoCancellation", "noiseSuppression", "autoGainControl"];

  function say(text, state) {
    const place = document.getElementById("microphone-state");
    if (place) {
      place.textContent = text;
      place.dataset.state = state;
    }
  }

  function describe(settings) {
    const value = (name) => (name in settings ? (settings[name] ? WORDS.on : WORDS.off) : WORDS.unknown);
    const list = PROCESSING.map((name) => `${WORDS[name]} ${value(name)}`).join(", ");
    const rate = settings.sampleRate ? `, ${settings.sampleRate.toLocaleString("en")} Hz` : "";
    const altered = PROCESSING.some((name) => settings[name]);
    say(`${WORDS.granted} ${list}${rate}. ${altered ? WORDS.altered : WORDS.clean}`, altered ? "altered" : "clean");
  }

  const devices = navigator.mediaDevices;
  if (!devices || !devices.getUserMedia || !window.MediaRecorder) {
    const wait = new MutationObserver(() => {
      if (document.getElementById("microphone-state")) {
        wait.disconnect();
        say(WORDS.missing, "missing");
      }
    });
    wait.observe(document, { childList: true, subtree: true });
    return;
  }

  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints = {}) => {
    if (!constraints.audio) return open(constraints);
    const asked = constraints.audio === true ? {} : constraints.audio;
    const off = Object.fromEntries(PROCESSING.map((name) => [name, false]));
    try {
      const stream = await open({ ...constraints, audio: { ...asked, ...off } });
      describe(stream.getAudioTracks()[0].getSettings());
      return stream;
    } catch (error) {
      say(WORDS[error.name] || WORDS.failed, "refused");
      throw error;
    }
  };

  const PCM = "audio/webm;codecs=pcm";
  const Compressing = window.MediaRecorder;
  window.MediaRecorder = class extends Compressing {
    constructor(stream, options = {}) {
      const format = Compressing.isTypeSupported(PCM) ? PCM : options.mimeType;
      super(stream, { ...options, mimeType: format, audioBitsPerSecond: 256000 });
    }
  };
})();
