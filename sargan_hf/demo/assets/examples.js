// The examples: tabs as the ARIA practices describe them, and pictures that come in by a click.
const tabs = [...element.querySelectorAll("[role=tab]")];
const choose = (tab) => tabs.forEach((one) => {
  one.setAttribute("aria-selected", one === tab);
  one.tabIndex = one === tab ? 0 : -1;
  document.getElementById(one.getAttribute("aria-controls")).hidden = one !== tab;
});
for (const [place, tab] of tabs.entries()) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
}
for (const item of element.querySelectorAll(".gallery-item")) {
  item.addEventListener("click", () => desk.example(item.dataset.name, item.dataset.url));
}
let last = null;
desk.watch(() => {
  const shown = element.querySelector(`[data-name="${CSS.escape((desk.wish.picture || "").replace("example:", ""))}"]`);
  const named = document.querySelector(".picture-named");
  const words = shown?.dataset[document.documentElement.lang] || shown?.dataset.en || "";
  if (named && last !== words) named.textContent = last = words;
  for (const item of element.querySelectorAll(".gallery-item")) {
    item.setAttribute("aria-pressed", desk.wish.picture === `example:${item.dataset.name}`);
  }
});
