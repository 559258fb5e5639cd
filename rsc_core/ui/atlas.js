// The atlas's player: the sound that is shown and those it is confused with, switched at the same place.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-kind]");
  if (!button) return;
  const sounds = [...element.querySelectorAll("audio")];
  const before = sounds.find((audio) => !audio.hidden);
  const after = sounds.find((audio) => audio.dataset.kind === button.dataset.kind);
  if (after === before) return;
  const playing = !before.paused;
  before.pause();
  after.currentTime = before.currentTime;
  after.volume = before.volume;
  before.hidden = true;
  after.hidden = false;
  if (playing) after.play();
  for (const one of element.querySelectorAll("button[data-kind]"))
    one.setAttribute("aria-pressed", String(one === button));
});
