(tables) => {
  // The page in the visitor's language: the first of the browser's languages for which there is a table (language-*.json), else
  // English. A table maps the English sentences to others; {name} in a sentence stands for any words, which are looked up too.
  const known = ["en", ...Object.keys(tables)];
  const chosen = (navigator.languages || [navigator.language]).map((one) => one.split("-")[0]).find((one) => known.includes(one)) || "en";
  document.documentElement.lang = chosen;
  if (chosen === "en") return;
  const table = tables[chosen];
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const patterns = Object.keys(table).filter((key) => /\{\w+\}/.test(key)).map((key) => ({
    names: [...key.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    pattern: new RegExp(`^${key.split(/\{\w+\}/).map(literal).join("(.+?)")}$`, "s"),
    target: table[key],
  }));
  const translated = (text) => {
    const words = text.replace(/\s+/g, " ").trim();
    if (!words) return null;
    if (Object.hasOwn(table, words)) return table[words];
    for (const { names, pattern, target } of patterns) {
      const found = words.match(pattern);
      if (!found) continue;
      return names.reduce((sentence, name, i) => sentence.replaceAll(`{${name}}`, listed(found[i + 1])), target);
    }
    return null;
  };
  // A list such as "59% happy, 41% sad" is looked up part by part.
  const listed = (text) => translated(text) ?? text.split(", ").map((part) => translated(part) ?? part).join(", ");
  const ATTRIBUTES = ["aria-label", "aria-valuetext", "title", "placeholder", "alt"];
  const write = (node) => {
    const found = translated(node.data);
    if (found !== null && found !== node.data) node.data = node.data.match(/^\s*/)[0] + found + node.data.match(/\s*$/)[0];
  };
  const label = (element) => {
    for (const name of ATTRIBUTES) {
      const value = element.getAttribute(name), found = value && translated(value);
      if (found && found !== value) element.setAttribute(name, found);
    }
  };
  const caption = (element) => {
    const words = element.dataset[chosen];
    if (!words || element.title === words) return;
    element.querySelector("span").textContent = words;
    element.title = words;
    element.setAttribute("aria-label", translated(`Example: ${words}`) || words);
  };
  const all = (root) => {
    if (root.nodeType === Node.TEXT_NODE) return root.parentElement?.closest("script, style, textarea, code, pre") ? undefined : write(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.currentNode; node; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) all(node);
      else { label(node); if (node.matches(".gallery-item")) caption(node); }
    }
  };
  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") label(target);
      else if (type === "characterData") all(target);
      else addedNodes.forEach(all);
    }
  }).observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
  all(document.body);
  window.sargan?.refresh(); // what is written by the page's own parts
}
