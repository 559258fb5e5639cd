/* The buttons in the page's header, which remember what was chosen, and the address, which follows what is shown. */
(() => {
  const CHOICES = {
    projector: { holder: () => document.documentElement, name: "projector", initial: () => false },
    dark: { holder: () => document.body, name: "dark", initial: () => document.body.classList.contains("dark") },
  };

  /* A browser may forbid storage: then a choice lasts as long as the page. */
  const remembered = (key) => { try { return localStorage.getItem(`lung-sound-lab-${key}`); } catch { return null; } };
  const remember = (key, on) => { try { localStorage.setItem(`lung-sound-lab-${key}`, on); } catch { /* see above */ } };

  function choose(key, on) {
    CHOICES[key].holder().classList.toggle(CHOICES[key].name, on);
    document.getElementById(`switch-${key}`).setAttribute("aria-pressed", on);
  }

  function start() {
    const asked = new URLSearchParams(location.search).has("__theme");
    for (const key of Object.keys(CHOICES)) {
      const before = key === "dark" && asked ? null : remembered(key);
      choose(key, before === null ? CHOICES[key].initial() : before === "true");
      document.getElementById(`switch-${key}`).addEventListener("click", (event) => {
        const on = event.currentTarget.getAttribute("aria-pressed") !== "true";
        choose(key, on);
        remember(key, on);
      });
    }
  }

  let started = false;
  new MutationObserver(() => {
    if (!started && document.getElementById("switch-dark")) {
      started = true;
      start();
    }
    /* Gradio's waveforms scroll, and cannot be reached by keyboard. */
    for (const holder of document.querySelectorAll("#waveform > div"))
      holder.shadowRoot?.querySelector('[part="scroll"]')?.setAttribute("tabindex", "0");
  }).observe(document, { childList: true, subtree: true });

  /* Tabs tell of themselves as they appear: what the address asks for is followed before it is changed. */
  let followed = false;
  window.pageFollowed = () => { followed = true; };
  window.pageAddress = (key, value) => {
    if (!followed) return;
    const address = new URL(location);
    if (value) address.searchParams.set(key, value);
    else address.searchParams.delete(key);
    history.replaceState(history.state, "", address);
  };
})();
