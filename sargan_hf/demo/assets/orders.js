// The line below a button that orders a file. A file is saved as soon as it is there; a picture for the clipboard is put there.
const { order, busy, button } = props.wiring;
const note = element.querySelector(".order-note");
const clipboard = order === "clip";
let saved = null, waiting = null, said = "";

const link = (file, words) => Object.assign(document.createElement("a"), { href: file.url, download: file.orig_name, textContent: words });
watch("value", () => {
  const file = props.value;
  if (!file) return;
  saved = file;
  if (clipboard) waiting?.resolve(fetch(file.url).then((answer) => answer.blob()));
  else link(file, "").click();
});
// Browsers let a page write to the clipboard while a click is fresh, so the picture is promised at once.
const promise = async () => {
  said = "";
  try {
    const picture = new Promise((resolve, reject) => { waiting = { resolve, reject }; });
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
    said = "The picture is in the clipboard.";
  } catch {
    said = saved ? "The browser does not let this page write to the clipboard: download the picture." : "";
  }
  desk.refresh();
};
const able = Boolean(navigator.clipboard?.write && window.ClipboardItem);
if (clipboard && able) document.addEventListener("click", (event) => { if (event.target.closest?.(`#${button}`)) promise(); }, true);
const words = () => {
  if (desk.running(order)) return [busy];
  const found = desk.ordered(order);
  if (found?.note) return [found.note];
  if (!found?.stamp || !saved || order === "animate" || order === "explain") return [];
  return clipboard ? [said] : [`Saved as ${saved.orig_name}. `, link(saved, "Save it again")];
};
let last = "";
desk.watch(() => {
  const pressed = document.getElementById(button);
  pressed?.setAttribute("aria-busy", desk.running(order));
  if (pressed && clipboard) pressed.hidden = !able;
  const found = desk.ordered(order);
  if (clipboard && !desk.running(order) && found?.note) waiting?.reject(new Error(found.note));
  const parts = words();
  const key = parts.map((part) => part.href || part).join("");
  if (key === last) return;
  last = key;
  note.replaceChildren(...parts);
});
