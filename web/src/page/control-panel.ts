import type { Control, Sargan } from "../lib";
import { capitalised, element } from "./elements";
import { recipeOf, type Recipe } from "./recipe";

type Change = (change: Partial<Recipe>, isSettled: boolean) => void;

/** Sliders for the facial controls, in groups, and presets. Both sides of a face move together until they are unlocked. */
export class ControlPanel {
  private readonly sliders = new Map<string, HTMLInputElement>();
  private readonly lock = element<HTMLInputElement>("lock");
  private readonly preset = element<HTMLSelectElement>("preset");
  private readonly reset = element<HTMLButtonElement>("reset");

  constructor(
    editor: Sargan,
    private readonly change: Change,
  ) {
    element("controls").hidden = false;
    for (const group of new Set(editor.controls.map((control) => control.group))) {
      const members = editor.controls.filter((control) => control.group === group);
      element("control-groups").append(this.group(group, members));
    }
    for (const name of Object.keys(editor.presets)) this.preset.append(new Option(capitalised(name), name));
    this.preset.addEventListener("change", () => {
      const preset = editor.presets[this.preset.value];
      if (preset) change(recipeOf(preset), true);
    });
    this.reset.addEventListener("click", () => change({ controls: {} }, true));
  }

  show({ controls }: Recipe): void {
    for (const [name, slider] of this.sliders) {
      slider.value = String(controls[name] ?? 0);
      slider.setAttribute("aria-valuetext", slider.value);
      slider.parentElement!.querySelector("output")!.textContent = slider.value;
    }
  }

  enable(on: boolean): void {
    for (const slider of this.sliders.values()) slider.disabled = !on;
    this.preset.disabled = this.reset.disabled = !on;
  }

  private group(title: string, controls: readonly Control[]): HTMLFieldSetElement {
    const fieldset = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = title;
    fieldset.append(legend, ...controls.map((control) => this.slider(control)));
    return fieldset;
  }

  private slider({ name, least, plus, minus }: Control): HTMLDivElement {
    const row = document.createElement("div");
    const [label, output, input] = [document.createElement("label"), document.createElement("output"), document.createElement("input")];
    row.className = "slider";
    row.title = minus ? `${plus} / ${minus}` : plus;
    label.textContent = capitalised(name.replaceAll("_", " "));
    label.htmlFor = input.id = `control-${name}`;
    Object.assign(input, { type: "range", name, min: String(least), max: "1", step: "0.05", value: "0", disabled: true });
    input.addEventListener("input", () => this.move(name, Number(input.value), false));
    input.addEventListener("change", () => this.move(name, Number(input.value), true));
    input.addEventListener("dblclick", () => this.move(name, 0, true));
    row.append(label, output, input);
    this.sliders.set(name, input);
    return row;
  }

  private move(name: string, value: number, isSettled: boolean): void {
    const other = name.endsWith("_left") ? name.replace(/_left$/, "_right") : name.replace(/_right$/, "_left");
    const values = Object.fromEntries([...this.sliders].map(([control, slider]) => [control, Number(slider.value)]));
    values[name] = value;
    if (this.lock.checked && other in values) values[other] = value;
    this.preset.value = "";
    this.change({ controls: Object.fromEntries(Object.entries(values).filter(([, set]) => set !== 0)) }, isSettled);
  }
}
