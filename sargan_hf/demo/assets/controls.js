// The facial controls: what is drawn follows the hand. A double click, or Delete, sets a slider to 0; sides that belong together
// move together while they are locked.
const { pairs } = props.wiring;
const sliders = [...element.querySelectorAll("input[type=range]")];
const lock = element.querySelector(".controls-lock"), moved = element.querySelector(".controls-moved");

// The colour of a slider goes from 0 to its value, so one that moves nothing has none.
const write = (slider, value) => {
  const share = (number) => (number - slider.min) / (slider.max - slider.min), ends = [share(0), share(value)];
  slider.value = value;
  slider.style.setProperty("--from", Math.min(...ends));
  slider.style.setProperty("--to", Math.max(...ends));
  slider.nextElementSibling.textContent = Number(value).toFixed(2).replace(/\.?0+$/, "");
};
const touch = (changes) => {
  const controls = { ...desk.wish.controls };
  for (const [name, value] of Object.entries(changes)) {
    if (value) controls[name] = value;
    else delete controls[name];
  }
  desk.touch({ controls }, "controls");
};
const set = (slider, value) => {
  const names = [slider.name, ...(lock.checked && pairs[slider.name] ? [pairs[slider.name]] : [])];
  touch(Object.fromEntries(names.map((name) => [name, value])));
};
for (const slider of sliders) {
  slider.addEventListener("input", () => set(slider, Math.round(100 * slider.value) / 100));
  slider.addEventListener("dblclick", () => set(slider, 0));
  slider.addEventListener("keydown", (event) => { if (event.key === "Delete" || event.key === "Backspace") set(slider, 0); });
}
element.querySelector(".controls-reset").addEventListener("click", () => touch(Object.fromEntries(sliders.map((one) => [one.name, 0]))));
desk.watch(() => {
  const controls = desk.wish.controls || {}, count = Object.keys(controls).length;
  for (const slider of sliders) write(slider, controls[slider.name] ?? 0);
  moved.textContent = count ? `(${count})` : "";
});
