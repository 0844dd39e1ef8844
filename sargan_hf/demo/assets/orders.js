// The line below a button that orders a file. A picture's file is saved as soon as it is there.
const { order, busy, button } = props.wiring;
const note = element.querySelector(".order-note");

const link = (file, words) => Object.assign(document.createElement("a"), { href: file.url, download: file.orig_name, textContent: words });
watch("value", () => {
  const file = props.value;
  if (!file) return;
  link(file, "").click();
  desk.saved = file;
});
const words = () => {
  if (desk.running(order)) return [busy];
  const found = desk.ordered(order);
  if (found?.note) return [found.note];
  return found?.stamp && order === "download" && desk.saved ? [`Saved as ${desk.saved.orig_name}. `, link(desk.saved, "Save it again")] : [];
};
let last = "";
desk.watch(() => {
  document.getElementById(button)?.setAttribute("aria-busy", desk.running(order));
  const parts = words();
  const key = parts.map((part) => part.href || part).join("");
  if (key === last) return;
  last = key;
  note.replaceChildren(...parts);
});
