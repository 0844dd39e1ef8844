// The presets: an expression, controls and an intensity each. Their pictures are ordered once the panel is open.
const { presets } = props.wiring;
const panel = element.querySelector("details"), buttons = [...element.querySelectorAll("button")];
let files = {}, asked = "";

const key = () => JSON.stringify([desk.page()?.state.picture, desk.page()?.state.chosen, desk.page()?.state.boxes, desk.page()?.state.current]);
const ask = () => {
  if (!panel.open || !desk.page()?.result || asked === key() || desk.running("presets")) return;
  asked = key();
  files = {};
  desk.order("presets");
};
panel.addEventListener("toggle", ask);
watch("value", () => { if (asked === key()) files = props.value || {}; desk.refresh(); });
for (const button of buttons) button.addEventListener("click", () => {
  const { expression, controls, intensity } = presets[button.name];
  desk.touch({ blend: expression, controls, intensity }, "preset");
});
desk.watch(() => {
  const { blend, controls, intensity } = desk.wish;
  const wanted = { expression: blend, controls: controls || {}, intensity };
  if (asked && asked !== key()) files = {}, asked = "";
  for (const button of buttons) {
    button.setAttribute("aria-pressed", desk.same(presets[button.name], wanted));
    const file = files[button.name];
    let image = button.querySelector("img");
    if (!file) { image?.remove(); continue; }
    if (!image) button.prepend(image = Object.assign(document.createElement("img"), { alt: "" }));
    if (image.src !== file.url) image.src = file.url;
  }
  ask();
});
