// The seven expressions, each a button with the visitor's own face wearing it; and what a screen reader is told.
const buttons = [...element.querySelectorAll("button")];
let said = "";
const status = element.querySelector("[role=status]");
const { labels } = props.wiring;

for (const button of buttons) {
  button.addEventListener("click", () => desk.touch({ blend: button.name ? { [button.name]: 1 } : {} }, "expression"));
}
const show = (button, file) => {
  let image = button.querySelector("img");
  if (!file) return image?.remove();
  if (!image) {
    image = Object.assign(document.createElement("img"), { alt: "" }); // the name is below it
    button.prepend(image);
  }
  if (image.src !== file.url) image.src = file.url;
};
const words = ({ blend, controls, intensity, current }, faces) => {
  const total = Object.values(blend).reduce((sum, share) => sum + share, 0);
  const parts = Object.entries(blend).sort((one, other) => other[1] - one[1]).map(([name, share]) => `${Math.round((100 * share) / total)}% ${labels[name].toLowerCase()}`);
  const moved = Object.keys(controls || {}).length;
  if (moved) parts.push(`${moved} ${moved === 1 ? "part" : "parts"} of the face moved`);
  const face = faces.list.findIndex(({ id }) => id === current);
  if (face >= 0) parts.push(`face ${face + 1}`);
  return `The result is ready: ${parts.join(", ") || "as it is"}, intensity ${intensity}.`;
};
const told = () => {
  if (desk.working()) return "Working.";
  const page = desk.page();
  return page?.result ? words(page.state, page.faces) : page?.faces?.notice.replaceAll("*", "") || "";
};
desk.watch(() => {
  const working = desk.working();
  const page = desk.page();
  element.classList.toggle("has-faces", Boolean(page?.previews || (working && (desk.wish.picture || desk.arriving))));
  for (const button of buttons) {
    const pressed = button.name ? (desk.wish.blend[button.name] ?? 0) > 0 : !Object.keys(desk.wish.blend).length;
    button.setAttribute("aria-pressed", pressed);
    button.classList.toggle("is-working", working && pressed);
    show(button, page?.previews?.[button.name]);
  }
  document.getElementById("result")?.classList.toggle("is-working", working);
  if (said !== told()) status.textContent = said = told();
});
