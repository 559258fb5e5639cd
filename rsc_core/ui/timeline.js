/* Zooms the timeline, and tells what is chosen, dragged or typed on it. The body of a function that gets element,
   trigger and watch from gr.HTML; the markup is timeline.py's, and is replaced after every edit, so zoom and place are
   kept here. */
const STEP_S = 0.01, LARGE_STEP_S = 0.1, PAUSE_MS = 400; // a key held down is one edit
const TICKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120], TICK_PX = 56;
const CYCLE = ".block[data-cycle]"; // Gradio calls the boxes around the timeline blocks too
const LABELS = { n: "normal", c: "crackle", w: "wheeze", b: "both" };
let zoom_s = 0; // seen at once; 0: all
let left_s = 0; // where the strip is scrolled to
let shown = null; // index of the cycle last scrolled to
let focused = null; // what gets the keyboard back: "block", "start" or "end"
let typing = null; // timer of the keys that move an edge
let pending = null; // sends what they came to

const find = (selector) => element.querySelector(selector);
const total_s = () => Number(find(".timeline").dataset.seconds);
const seen_s = () => (zoom_s && zoom_s < total_s() ? zoom_s : total_s());
const clock = (s, step) =>
  s < 60 ? s.toFixed(step < 1 ? 1 : 0) : `${Math.floor(s / 60)}:${(s % 60).toFixed(step < 1 ? 1 : 0).padStart(step < 1 ? 4 : 2, "0")}`;

function lay() {
  const strip = find(".strip");
  if (!strip || !strip.clientWidth) return;
  find(".track").style.width = `${(100 * total_s()) / seen_s()}%`;
  for (const button of element.querySelectorAll("[data-zoom]"))
    button.setAttribute("aria-pressed", String(Number(button.dataset.zoom) === zoom_s));
  const px = strip.clientWidth / seen_s(), step = TICKS_S.find((s) => s * px >= TICK_PX) || 300;
  const ticks = [];
  for (let i = 0; i * step < total_s(); i += 1) {
    const tick = document.createElement("span");
    tick.style.left = `${(100 * i * step) / total_s()}%`;
    tick.textContent = clock(i * step, step) + (i ? "" : " s");
    ticks.push(tick);
  }
  find(".ticks").replaceChildren(...ticks);
  strip.scrollLeft = left_s * px;
}

function look() {
  const strip = find(".strip"), block = find('.block[aria-pressed="true"]');
  if (!strip || !block || !strip.clientWidth || block.dataset.cycle === shown) return;
  shown = block.dataset.cycle;
  const low = strip.scrollLeft, high = low + strip.clientWidth;
  if (block.offsetLeft < low || block.offsetLeft + block.offsetWidth > high)
    strip.scrollLeft = block.offsetLeft + block.offsetWidth / 2 - strip.clientWidth / 2;
}

function choose(block) {
  for (const other of element.querySelectorAll(".block")) {
    other.setAttribute("aria-pressed", String(other === block));
    other.tabIndex = other === block ? 0 : -1;
  }
  for (const edge of element.querySelectorAll(".edge")) edge.remove(); // of another cycle
  settle();
  focused = "block";
  block.focus({ preventScroll: true });
  look();
  trigger("select", { index: Number(block.dataset.cycle), value: block.dataset.cycle });
}

function place(edge, s) {
  const low = Number(edge.getAttribute("aria-valuemin")), high = Number(edge.getAttribute("aria-valuemax"));
  const value = Math.min(Math.max(Math.round(s * 1000) / 1000, low), high);
  edge.setAttribute("aria-valuenow", value);
  edge.setAttribute("aria-valuetext", `${value.toFixed(2)} s`);
  edge.style.left = `${(100 * value) / total_s()}%`;
}

function chosen() {
  return Number(find('.block[aria-pressed="true"]').dataset.cycle);
}

function release(edge, cycle) {
  focused = edge.dataset.edge;
  trigger("release", { cycle, edge: edge.dataset.edge, value: Number(edge.getAttribute("aria-valuenow")) });
}

function type(edge, s) {
  const cycle = chosen();
  place(edge, s);
  pending = () => release(edge, cycle);
  clearTimeout(typing);
  typing = setTimeout(settle, PAUSE_MS);
}

/* Send at once what was typed, before anything else is done. */
function settle() {
  const send = pending;
  pending = null;
  clearTimeout(typing);
  if (send) send();
}

element.addEventListener("click", (event) => {
  const zoom = event.target.closest("[data-zoom]"), block = event.target.closest(CYCLE);
  if (zoom) {
    zoom_s = Number(zoom.dataset.zoom);
    shown = null;
    lay();
    look();
  } else if (block) {
    choose(block);
  }
});

element.addEventListener("pointerdown", (event) => {
  const edge = event.target.closest(".edge"), track = find(".track");
  if (!edge || event.button) return;
  event.preventDefault();
  edge.focus({ preventScroll: true });
  edge.setPointerCapture(event.pointerId);
  settle();
  const before = edge.getAttribute("aria-valuenow"), cycle = chosen();
  const offset = event.clientX - edge.getBoundingClientRect().left;
  const drag = (moved) => {
    const box = track.getBoundingClientRect();
    const s = ((moved.clientX - offset - box.left + edge.offsetWidth / 2) / box.width) * total_s();
    place(edge, Math.round(s / STEP_S) * STEP_S);
  };
  const drop = () => {
    edge.removeEventListener("pointermove", drag);
    if (edge.getAttribute("aria-valuenow") !== before) release(edge, cycle);
  };
  edge.addEventListener("pointermove", drag);
  edge.addEventListener("lostpointercapture", drop, { once: true });
});

element.addEventListener("keydown", (event) => {
  const edge = event.target.closest(".edge"), block = event.target.closest(CYCLE);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
  const label = LABELS[event.key.toLowerCase()];
  if (edge && direction) {
    const step = event.shiftKey ? LARGE_STEP_S : STEP_S;
    type(edge, Number(edge.getAttribute("aria-valuenow")) + direction * step);
  } else if (edge && (event.key === "Home" || event.key === "End")) {
    type(edge, Number(edge.getAttribute(event.key === "Home" ? "aria-valuemin" : "aria-valuemax")));
  } else if (block && direction) {
    const next = find(`.block[data-cycle="${Number(block.dataset.cycle) + direction}"]`);
    if (next) choose(next);
  } else if (block && label) {
    settle();
    focused = "block";
    trigger("edit", { value: label });
  } else {
    return;
  }
  event.preventDefault();
});

element.addEventListener(
  "scroll",
  (event) => {
    if (event.target.classList.contains("strip")) left_s = (event.target.scrollLeft / event.target.clientWidth) * seen_s();
  },
  true,
);

element.addEventListener("focusout", settle);

watch("value", () => {
  settle();
  lay();
  look();
  const held = focused === "block" ? find('.block[aria-pressed="true"]') : focused && find(`.edge.${focused}`);
  if (held) held.focus({ preventScroll: true });
  focused = null;
});
const leave = (event) => {
  if (!element.isConnected) removeEventListener("beforeunload", leave);
  else if (find("[data-unsaved]")) event.preventDefault();
};
addEventListener("beforeunload", leave);
new ResizeObserver(() => {
  lay();
  look();
}).observe(element);
