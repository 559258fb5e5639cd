// The answers of the quiz: a click or the keys 1, 2, ... choose one, once.
const open = () => [...element.querySelectorAll("button[data-answer]:not(:disabled)")];

const PATIENCE_MS = 20000; // an answer that was lost on the way can be given again

const choose = (button) => {
  const all = open();
  for (const other of all) other.disabled = true;
  setTimeout(() => { for (const other of all) other.disabled = false; }, PATIENCE_MS);
  button.setAttribute("aria-pressed", "true");
  trigger("select", { index: Number(button.dataset.step), value: button.dataset.answer });
};

const press = (event) => {
  if (!element.isConnected) return document.removeEventListener("keydown", press);
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = element.offsetParent && open()[Number(event.key) - 1];
  if (!button) return;
  event.preventDefault();
  choose(button);
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-answer]");
  if (button && !button.disabled) choose(button);
});
document.addEventListener("keydown", press);
