// The seven expressions, each a button with the visitor's own face wearing it; and what a screen reader is told.
const buttons = [...element.querySelectorAll("button")];
const status = element.querySelector("[role=status]");
const { labels } = props.wiring;

for (const button of buttons) {
  button.addEventListener("click", () => desk.touch({ blend: { [button.name]: 1 } }, "expression"));
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
const words = ({ blend, intensity }) => {
  const total = Object.values(blend).reduce((sum, share) => sum + share, 0);
  const parts = Object.entries(blend).sort((one, other) => other[1] - one[1]).map(([name, share]) => `${Math.round((100 * share) / total)}% ${labels[name].toLowerCase()}`);
  return `The result is ready: ${parts.join(", ")}, intensity ${intensity}.`;
};
const told = () => {
  if (desk.working()) return "Working.";
  const page = desk.page();
  return page?.result ? words(page.state) : page?.faces?.notice.replaceAll("*", "") || "";
};
desk.watch(() => {
  const working = desk.working();
  const page = desk.page();
  element.classList.toggle("has-faces", Boolean(page?.previews || (working && (desk.wish.picture || desk.arriving))));
  for (const button of buttons) {
    const pressed = (desk.wish.blend[button.name] ?? 0) > 0;
    button.setAttribute("aria-pressed", pressed);
    button.classList.toggle("is-working", working && pressed);
    show(button, page?.previews?.[button.name]);
  }
  document.getElementById("result")?.classList.toggle("is-working", working);
  if (status.textContent !== told()) status.textContent = told();
});
