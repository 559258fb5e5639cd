/* Phones record M4A, WebM, 3GP …, which the server cannot read and a browser can. Every file chosen for the sound, or
   dropped on it, is looked at before Gradio sees it: by its first bytes, as the server does, never by its name. What the
   server would refuse is decoded here and handed on as 16-bit WAV; everything else is handed on as it is. PHONE comes
   from phone.py. */
(() => {
  class Refused extends Error {} // its message is for the visitor

  const INPUT = "#sound input[type=file]";
  const HEAD_BYTES = 16, MB = 1024 * 1024, WAIT_MS = 3000, BLOCK_S = 5;
  const { words } = PHONE;
  let handing = false; // the event under way is our own
  let turn = 0; // of the file chosen last: one that was decoded meanwhile comes too late
  let sent = null; // the name of the WAV that was handed on

  const fill = (text, values) => text.replace(/{(\w+)}/g, (_, name) => values[name]);
  const number = (value, digits = 0) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

  function say(text, state) {
    const place = document.getElementById("decoded");
    if (!place) return;
    place.dataset.state = state;
    place.querySelector("p").textContent = text;
    place.querySelector("progress").hidden = state !== "working";
  }

  async function unreadable(file) {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    return PHONE.unreadable.find(({ offset, magic }) => magic.every((byte, i) => head[offset + i] === byte));
  }

  /* Seconds as the container says, or NaN or Infinity: hours of sound are refused before they fill the memory. */
  function promised(file) {
    return new Promise((resolve) => {
      const media = document.createElement("video"), address = URL.createObjectURL(file);
      const answer = () => {
        resolve(media.duration);
        URL.revokeObjectURL(address);
      };
      media.onloadedmetadata = media.onerror = answer;
      setTimeout(answer, WAIT_MS); // some phones load nothing unless asked to play
      media.preload = "metadata";
      media.src = address;
    });
  }

  const header = (buffer, bytes) => {
    const view = new DataView(new ArrayBuffer(44));
    const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
    const frame = 2 * buffer.numberOfChannels;
    text(0, "RIFF");
    view.setUint32(4, 36 + bytes, true);
    text(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true);
    view.setUint16(22, buffer.numberOfChannels, true);
    view.setUint32(24, buffer.sampleRate, true);
    view.setUint32(28, buffer.sampleRate * frame, true);
    view.setUint16(32, frame, true);
    view.setUint16(34, 16, true);
    text(36, "data");
    view.setUint32(40, bytes, true);
    return view;
  };

  async function wav(buffer, name) {
    const count = buffer.numberOfChannels;
    const channels = Array.from({ length: count }, (_, i) => buffer.getChannelData(i));
    const samples = new Int16Array(count * buffer.length);
    for (let start = 0; start < buffer.length; start += BLOCK_S * buffer.sampleRate) {
      const end = Math.min(start + BLOCK_S * buffer.sampleRate, buffer.length);
      channels.forEach((channel, i) => {
        for (let at = start; at < end; at++) {
          samples[at * count + i] = Math.max(-32768, Math.min(32767, Math.round(32768 * channel[at])));
        }
      });
      await new Promise((resolve) => setTimeout(resolve)); // the page stays alive
    }
    return new File([header(buffer, samples.byteLength), samples], name, { type: "audio/wav" });
  }

  async function decoded(file, what) {
    const large = fill(words.large, { largest: PHONE.largest_mb });
    if (file.size > PHONE.largest_mb * MB) throw new Refused(large);
    if ((await promised(file)) > PHONE.longest_s) throw new Refused(words.long);
    const buffer = await new OfflineAudioContext(1, 1, PHONE.rate)
      .decodeAudioData(await file.arrayBuffer())
      .catch(() => Promise.reject(new Refused(fill(words.failed, { what }))));
    if (buffer.duration > PHONE.longest_s) throw new Refused(words.long);
    if (2 * buffer.length * buffer.numberOfChannels > PHONE.largest_mb * MB) throw new Refused(large);
    return buffer;
  }

  function handOn(file) {
    const input = document.querySelector(INPUT); // Gradio makes a new one whenever it redraws
    if (!input) return;
    const list = new DataTransfer();
    list.items.add(file);
    input.files = list.files;
    handing = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    handing = false;
  }

  async function take(file) {
    const mine = ++turn;
    try {
      const found = await unreadable(file);
      if (mine !== turn) return;
      if (!found) {
        say(words.before, "before");
        // Gradio turns away what is not called audio, as phones' file managers do not; the server looks inside.
        handOn(file.type.startsWith("audio/") ? file : new File([file], file.name, { type: "audio/wav" }));
        return;
      }
      say(fill(words.working, { size: number(file.size / MB, 1) }), "working");
      const buffer = await decoded(file, found.what);
      const sound = await wav(buffer, `${file.name.replace(/\.[^.]*$/, "")}.wav`);
      if (mine !== turn) return;
      const count = buffer.numberOfChannels;
      const channels = [words.mono, words.stereo][count - 1] || fill(words.channels, { count });
      say(fill(words.done, { seconds: number(buffer.duration, 1), channels, rate: number(buffer.sampleRate) }), "done");
      sent = sound.name;
      handOn(sound);
    } catch (error) {
      if (mine === turn) say(error instanceof Refused ? error.message : words.broken, "refused");
    }
  }

  function intercept(event, file) {
    if (handing || !file) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    take(file);
  }

  document.addEventListener("click", (event) => {
    if (event.target.matches(INPUT)) event.target.accept = PHONE.accept;
  }, true);
  document.addEventListener("change", (event) => {
    if (event.target.matches(INPUT)) intercept(event, event.target.files[0]);
  }, true);
  document.addEventListener("drop", (event) => {
    const input = document.querySelector(INPUT);
    if (!input || !input.parentNode.contains(event.target)) return;
    intercept(event, event.dataTransfer.files[0]);
    input.parentNode.dispatchEvent(new DragEvent("dragleave")); // Gradio, which saw no drop, shows the box as before
  }, true);
  document.addEventListener("sound-changed", (event) => {
    if (event.detail === sent && sent !== null) return;
    turn++;
    sent = null;
    say(words.before, "before");
  });
})();
