// Browsers clean up speech: echo cancellation, noise suppression and gain control erase lung sounds. This wraps
// getUserMedia before the recorder can call it, switches all three off, and writes what the browser granted.
(() => {
  const PROCESSING = {
    echoCancellation: "echo cancellation",
    noiseSuppression: "noise suppression",
    autoGainControl: "automatic gain",
  };
  const say = (text) => {
    const line = document.getElementById("microphone-status");
    if (line) line.textContent = text;
  };
  const media = navigator.mediaDevices;
  if (!media || !media.getUserMedia) {
    const why = "Microphone: this browser gives none to this page (it needs https or localhost). Upload a file instead.";
    const timer = setInterval(() => {
      if (!document.getElementById("microphone-status")) return;
      clearInterval(timer);
      say(why);
    }, 300);
    return;
  }

  const open = media.getUserMedia.bind(media);
  media.getUserMedia = async (constraints = {}) => {
    if (!constraints.audio) return open(constraints);
    const asked = constraints.audio === true ? {} : constraints.audio;
    const raw = Object.fromEntries(Object.keys(PROCESSING).map((name) => [name, false]));
    let stream;
    try {
      stream = await open({ ...constraints, audio: { ...asked, ...raw } });
    } catch (error) {
      say(`Microphone: not available (${error.name}). Allow it in the browser's settings, or upload a file.`);
      throw error;
    }
    const granted = stream.getAudioTracks()[0].getSettings();
    window.rscMicrophone = granted;
    const states = Object.entries(PROCESSING).map(([name, words]) => {
      const state = granted[name] === undefined ? "not told" : granted[name] ? "STILL ON" : "off";
      return `${words} ${state}`;
    });
    const rate = granted.sampleRate ? `, ${granted.sampleRate.toLocaleString("en")} Hz` : "";
    say(`Microphone: the browser granted ${states.join(", ")}${rate}.`);
    return stream;
  };
})();
