/* The player: an <audio> element through the Web Audio API, a line at its place in every picture with a time axis,
   clicks on pictures and keys. Its value comes from player.py; one player sounds at a time. */
(() => {
  const STEP_S = 0.5;
  const CEILING = 0.89; // -1 dB: resampling on the way out may overshoot
  const players = new Set();
  let context = null; // made by the first press of play: browsers allow none before
  let used = null; // the player used last

  class Player {
    constructor(element) {
      const find = (name) => element.querySelector(`.player-${name}`);
      Object.assign(this, { element, value: null, version: 0, lines: [], graph: null });
      this.audio = element.querySelector("audio");
      this.audio.defaultPlaybackRate = 1;
      for (const name of ["play", "loop", "at", "time", "versions", "blend", "speed", "emphasis", "volume", "state"])
        this[name] = find(name);
      this.shown = element.querySelector("output");
      this.downloads = find("downloads");
      this.play.addEventListener("click", () => this.toggle());
      this.loop.addEventListener("click", () => this.toggleLoop());
      this.at.addEventListener("input", () => this.seek(Number(this.at.value)));
      this.blend.addEventListener("input", () => this.choose(Number(this.blend.value)));
      this.speed.addEventListener("change", () => this.setSpeed());
      for (const control of [this.emphasis, this.volume]) control.addEventListener("input", () => this.mix());
      for (const event of ["play", "pause", "ended", "seeked", "loadedmetadata", "timeupdate"])
        this.audio.addEventListener(event, () => this.heard(event));
      this.audio.addEventListener("error", () => this.say(this.value ? this.state.dataset.gone : ""));
      new ResizeObserver(() => this.draw()).observe(element);
    }

    take(value) {
      const old = this.value, going = old && value && old.name === value.name;
      this.value = value;
      this.element.inert = !value;
      for (const line of this.lines.splice(0)) line.remove();
      if (!value) {
        this.audio.pause();
        this.audio.removeAttribute("src");
        this.time.textContent = "";
        this.downloads.replaceChildren();
        return;
      }
      if (!going) {
        this.version = value.first;
        this.audio.pause();
      }
      const span = JSON.stringify(value.span), moved = going && JSON.stringify(old.span) !== span;
      this.offer();
      this.open(going);
      if (moved && (this.audio.paused || this.looping)) this.enter();
      this.choose(this.version);
      this.setSpeed();
      this.draw();
    }

    /* Buttons for the versions, and links to the files. */
    offer() {
      const { versions, blends, downloads } = this.value;
      this.versions.hidden = versions.length < 2;
      this.blend.hidden = !blends;
      this.blend.max = versions.length - 1;
      const buttons = versions.map(({ label }, index) => {
        const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
        button.addEventListener("click", () => this.choose(index));
        return button;
      });
      const labels = (nodes) => Array.from(nodes, (node) => node.textContent).join("\n");
      if (labels(buttons) !== labels(this.versions.children)) this.versions.replaceChildren(...buttons);
      const links = downloads.map(({ label, name, file }) =>
        Object.assign(document.createElement("a"), { textContent: label, download: name, href: file.url }));
      this.downloads.replaceChildren(...links);
    }

    /* Between two versions of one sound the gains of its channels lie between theirs. */
    choose(version) {
      this.version = Math.min(version, this.value.versions.length - 1);
      this.blend.value = this.version;
      Array.from(this.versions.children).forEach((button, index) =>
        button.setAttribute("aria-pressed", String(index === this.version)));
      this.open(true);
      this.mix();
    }

    get sound() {
      return this.value.sounds[this.value.versions[Math.floor(this.version)].sound];
    }

    get span() {
      const { span, start_s } = this.value;
      return span ? span.map((s) => s - start_s) : [0, this.sound.seconds];
    }

    get looping() {
      return this.loop.getAttribute("aria-pressed") === "true";
    }

    get now() {
      return this.audio.currentTime;
    }

    open(going) {
      const { url } = this.sound.file;
      if (this.audio.getAttribute("src") === url) return;
      const at = going ? this.now : 0, playing = going && !this.audio.paused;
      this.say("");
      this.audio.src = url;
      this.audio.currentTime = Math.min(at, this.sound.seconds);
      if (playing) this.start();
    }

    say(text) {
      this.state.textContent = text;
    }

    toggle() {
      if (this.audio.paused) this.start();
      else this.audio.pause();
    }

    start() {
      const [first, last] = this.span, past = this.now >= this.sound.seconds - 0.01;
      if (this.looping ? this.now < first || this.now >= last - 0.01 : past) this.audio.currentTime = this.looping ? first : 0;
      this.connect();
      context.resume();
      for (const other of players) if (other !== this) other.audio.pause();
      used = this;
      this.mix();
      // A sound that is replaced or paused before it has begun is no fault.
      this.audio.play().catch((error) => error.name === "AbortError" || this.say(this.state.dataset.gone));
    }

    toggleLoop() {
      this.loop.setAttribute("aria-pressed", String(!this.looping));
      if (this.looping) this.enter();
    }

    /* Go to the beginning of what is looped, unless in it already. */
    enter() {
      const [first, last] = this.span;
      if (this.now < first || this.now >= last) this.seek(first);
    }

    seek(s) {
      this.audio.currentTime = Math.min(Math.max(s, 0), this.sound.seconds);
      this.last = this.now;
      used = this;
      this.draw();
    }

    setSpeed() {
      const [rate, kind] = this.speed.value.split(" ");
      this.audio.defaultPlaybackRate = this.audio.playbackRate = Number(rate);
      this.audio.preservesPitch = kind !== "tape";
    }

    connect() {
      context ??= new AudioContext();
      if (this.graph) return;
      const splitter = context.createChannelSplitter(2), volume = context.createGain();
      const shelf = (type) => Object.assign(context.createBiquadFilter(), { type });
      const low = shelf("lowshelf"), high = shelf("highshelf");
      const channels = [context.createGain(), context.createGain()];
      context.createMediaElementSource(this.audio).connect(splitter);
      channels.forEach((gain, index) => {
        splitter.connect(gain, index);
        gain.connect(low);
      });
      low.connect(high).connect(volume).connect(context.destination);
      this.graph = { channels, low, high, volume };
    }

    /* Set gains and filters; what is heard can never exceed full scale. */
    mix() {
      const { versions, emphases } = this.value;
      const below = Math.floor(this.version), above = Math.ceil(this.version), share = this.version - below;
      const gains = versions[below].gains.map((gain, i) => gain + share * (versions[above].gains[i] - gain));
      this.blend.closest(".player").dataset.gains = gains.map((gain) => gain.toFixed(2)).join(" ");
      const shape = emphases[this.emphasis.value], wanted = Number(this.volume.value) / 100;
      const most = 1 / (shape.most * Math.max(this.sound.peak, 1e-6)), gain = Math.min(wanted, most);
      this.shown.textContent = `${Math.round(100 * gain)} %${gain < wanted ? ` (${this.shown.dataset.limited})` : ""}`;
      if (!this.graph) return;
      const { channels, low, high, volume } = this.graph;
      // Ramps of some milliseconds: a jump would click.
      const glide = (parameter, value) => parameter.setTargetAtTime(value, context.currentTime, 0.005);
      channels.forEach((channel, i) => glide(channel.gain, gains[i]));
      low.frequency.value = shape.low_hz;
      high.frequency.value = shape.high_hz;
      low.gain.value = shape.low_db;
      high.gain.value = shape.high_db;
      glide(volume.gain, CEILING * gain);
    }

    heard(event) {
      const playing = !this.audio.paused;
      this.play.textContent = playing ? this.play.dataset.pause : this.play.dataset.play;
      if (event === "ended" && this.looping) this.start();
      else if (event === "play") this.tick();
      else if (playing) this.repeat();
      this.draw();
      if (!playing) this.at.setAttribute("aria-valuetext", this.time.textContent);
    }

    tick() {
      if (!this.element.checkVisibility()) this.audio.pause(); // another tab is open
      if (this.audio.paused) return;
      this.repeat();
      this.draw();
      requestAnimationFrame(() => this.tick());
    }

    /* Jump back at the end of what is looped; a place chosen beyond it plays on. */
    repeat() {
      const [first, last] = this.span, now = this.now;
      if (this.looping && this.last < last && now >= last) this.audio.currentTime = first;
      this.last = this.now;
    }

    draw() {
      if (!this.value) return;
      const now = this.now, { start_s, pictures } = this.value, { seconds } = this.sound;
      this.time.textContent = `${(start_s + now).toFixed(2)} / ${(start_s + seconds).toFixed(2)} s`;
      this.at.max = seconds;
      this.at.value = now;
      let count = 0;
      for (const [name, axes] of Object.entries(pictures)) {
        const block = document.getElementById(name), area = block && areaOf(block);
        for (const axis of axes) {
          const line = (this.lines[count++] ??= Object.assign(document.createElement("div"), { className: "playhead" }));
          const share = (start_s + now - axis.start_s) / (axis.end_s - axis.start_s);
          line.hidden = !area || share < 0 || share > 1;
          if (line.hidden) continue;
          if (line.parentElement !== block) block.append(line);
          line.style.left = `${area.left + area.width * (axis.left + share * (axis.right - axis.left))}px`;
          line.style.top = `${area.top + area.height * axis.top}px`;
          line.style.height = `${area.height * (axis.bottom - axis.top)}px`;
        }
      }
    }

    /* Go to the moment of a click at (x, y) px of the window. */
    clicked(block, x, y) {
      const axes = this.value?.pictures[block.id], area = axes && areaOf(block);
      if (!area) return;
      const frame = block.getBoundingClientRect();
      const across = (x - frame.left - block.clientLeft - area.left) / area.width;
      const down = (y - frame.top - block.clientTop - area.top) / area.height;
      const axis = axes.find((a) => a.left <= across && across <= a.right && a.top <= down && down <= a.bottom);
      if (!axis) return;
      const share = (across - axis.left) / (axis.right - axis.left);
      this.seek(axis.start_s + share * (axis.end_s - axis.start_s) - this.value.start_s);
    }

    /* Whether a key pressed here is for the player, and not for the control that has the focus. */
    wants(target, key) {
      if (target.closest(".picture")?.id in (this.value?.pictures ?? {})) return true;
      if (!this.element.contains(target)) return false;
      if (target === this.at) return true;
      return target.matches("button, a, summary") ? key !== " " : !target.matches("input, select");
    }
  }

  /* Where a place's picture is drawn within it, in px; null where none can be seen. */
  function areaOf(block) {
    const img = block.querySelector("img");
    if (!img?.naturalWidth) return null;
    const frame = block.getBoundingClientRect(), box = img.getBoundingClientRect();
    const scale = Math.min(box.width / img.naturalWidth, box.height / img.naturalHeight);
    const width = img.naturalWidth * scale, height = img.naturalHeight * scale;
    return scale && {
      left: box.left - frame.left - block.clientLeft + (box.width - width) / 2,
      top: box.top - frame.top - block.clientTop + (box.height - height) / 2,
      width,
      height,
    };
  }

  /* The players on the page; Gradio takes away those it does not show. */
  function present() {
    for (const player of players)
      if (!player.element.isConnected) {
        player.take(null);
        players.delete(player);
      }
    return [...players].filter((player) => player.value);
  }

  document.addEventListener("click", ({ target, clientX, clientY }) => {
    const block = target.closest?.("img") && target.closest(".picture");
    if (block) for (const player of present()) player.clicked(block, clientX, clientY);
  });
  document.addEventListener("load", ({ target }) => {
    if (target.closest?.(".picture")) for (const player of present()) player.draw();
  }, true);
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const seen = present().filter((player) => player.element.checkVisibility());
    const anywhere = target === document.body && (seen.includes(used) ? used : seen[0]);
    const player = seen.find((one) => one.wants(target, key)) || anywhere;
    const act = player && {
      " ": () => player.toggle(),
      ArrowLeft: () => player.seek(player.now - STEP_S),
      ArrowRight: () => player.seek(player.now + STEP_S),
      l: () => player.toggleLoop(),
      L: () => player.toggleLoop(),
    }[key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  window.openPlayer = (element, props, watch) => {
    present(); // takes away the lines of a player that this one replaces
    const player = new Player(element);
    players.add(player);
    const take = () => player.take(props.value);
    watch("value", take);
    take();
  };
})();
