/* Sent with an analysis: it measures, and where results stand below the input, as on a phone, they are scrolled to. */
(_, audio, ...rest) => {
  const input = document.getElementById("input"), results = document.getElementById("results");
  const stacked = results.getBoundingClientRect().top >= input.getBoundingClientRect().bottom;
  if (audio && stacked) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    results.style.minHeight = "100vh";
    results.scrollIntoView({ behavior: still ? "auto" : "smooth" });
  }
  return [results.clientWidth, audio, ...rest];
}
