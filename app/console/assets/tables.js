// Tables that are wider than the page scroll by themselves (console.css). Such a one can be reached
// and scrolled by keyboard, and says so; one that fits is no stop on the way.

// In the next frame: marking one may change its height, which is no matter for the observer.
const sizes = new ResizeObserver((entries) => {
  requestAnimationFrame(() => entries.forEach(({ target }) => mark(target)));
});

function mark(table) {
  const wide = table.scrollWidth > table.clientWidth;
  table.classList.toggle("wide", wide);
  if (!wide) return ["tabindex", "role", "aria-label"].forEach((name) => table.removeAttribute(name));
  table.tabIndex = 0;
  table.setAttribute("role", "region");
  table.setAttribute("aria-label", table.querySelector("caption").textContent);
}

function watch(part) {
  for (const table of part.querySelectorAll(".table")) sizes.observe(table);
}

// What live.js puts there later has tables as well.
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) if (node instanceof Element) watch(node);
  }
}).observe(document.getElementById("main"), { childList: true, subtree: true });
watch(document);
