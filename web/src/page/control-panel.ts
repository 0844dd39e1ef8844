import type { Control, Sargan } from "../lib";
import { element } from "./elements";
import type { Recipe } from "./recipe";

type Change = (change: Partial<Recipe>, isSettled: boolean) => void;

/** Sliders for the facial controls, in groups. Both sides of a face move together until they are unlocked. */
export class ControlPanel {
  private readonly sliders = new Map<string, HTMLInputElement>();
  private readonly lock = element<HTMLInputElement>("lock");
  private readonly reset = element<HTMLButtonElement>("reset");

  constructor(
    editor: Sargan,
    private readonly change: Change,
  ) {
    element("controls").hidden = false;
    for (const group of new Set(editor.controls.map((control) => control.group))) {
      const members = editor.controls.filter((control) => control.group === group);
      members.sort((one, other) => Number(isOfOneSide(other)) - Number(isOfOneSide(one))); // left and right beside one another
      element("control-groups").append(this.group(group, members));
    }
    this.reset.addEventListener("click", () => change({ controls: {} }, true));
  }

  show({ controls }: Recipe): void {
    const count = Object.keys(controls).length;
    element("moved").textContent = count ? `(${count})` : "";
    for (const [name, slider] of this.sliders) {
      slider.value = String(controls[name] ?? 0);
      slider.setAttribute("aria-valuetext", slider.value);
      slider.parentElement!.querySelector("output")!.textContent = slider.value;
      colour(slider);
    }
  }

  enable(on: boolean): void {
    for (const slider of this.sliders.values()) slider.disabled = !on;
    this.reset.disabled = !on;
  }

  private group(title: string, controls: readonly Control[]): HTMLFieldSetElement {
    const fieldset = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = title;
    fieldset.append(legend, ...controls.map((control) => this.slider(control)));
    return fieldset;
  }

  private slider({ name, label: words, least, plus, minus }: Control): HTMLDivElement {
    const row = document.createElement("div");
    const [label, output, input] = [document.createElement("label"), document.createElement("output"), document.createElement("input")];
    row.className = "slider";
    row.title = minus ? `${plus} / ${minus}` : plus;
    label.textContent = words;
    label.htmlFor = input.id = `control-${name}`;
    Object.assign(input, { type: "range", name, min: String(least), max: "1", step: "0.05", value: "0", disabled: true });
    input.addEventListener("input", () => this.move(name, Number(input.value), false));
    input.addEventListener("change", () => this.move(name, Number(input.value), true));
    input.addEventListener("dblclick", () => this.move(name, 0, true));
    input.addEventListener("keydown", ({ key }) => (key === "Delete" || key === "Backspace") && this.move(name, 0, true));
    row.append(label, output, input);
    this.sliders.set(name, input);
    return row;
  }

  private move(name: string, value: number, isSettled: boolean): void {
    const other = name.endsWith("_left") ? name.replace(/_left$/, "_right") : name.replace(/_right$/, "_left");
    const values = Object.fromEntries([...this.sliders].map(([control, slider]) => [control, Number(slider.value)]));
    values[name] = value;
    if (this.lock.checked && other in values) values[other] = value;
    this.change({ controls: Object.fromEntries(Object.entries(values).filter(([, set]) => set !== 0)) }, isSettled);
  }
}

function isOfOneSide({ name }: Control): boolean {
  return /_(left|right)$/.test(name);
}

/** The colour of a slider goes from 0 to its value, so one that moves nothing has none. */
function colour(slider: HTMLInputElement): void {
  const share = (number: number) => (number - Number(slider.min)) / (Number(slider.max) - Number(slider.min));
  const ends = [share(0), share(Number(slider.value))];
  slider.style.setProperty("--from", String(Math.min(...ends)));
  slider.style.setProperty("--to", String(Math.max(...ends)));
}
