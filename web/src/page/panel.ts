import type { EditOptions, Portrait, Sargan } from "../lib";
import { ControlPanel } from "./control-panel";
import { capitalised, choice, element, pictureButton } from "./elements";
import { PresetPanel } from "./preset-panel";
import type { Recipe } from "./recipe";

const PREVIEW_SIDE = 128;
const REGION_WORDS: Record<string, string> = { face: "Whole face", mouth: "Mouth", eyes: "Eyes and brows" };
/** What can be taken away only once something was made. */
const ACTIONS = ["download", "share", "film", "loop", "all", "sprites"];

/** The controls: they show a recipe and say what the visitor changes. */
export class Panel {
  onChange: (change: Partial<Recipe>, isSettled: boolean) => void = () => undefined;
  private readonly intensity = element<HTMLInputElement>("intensity");
  private readonly second = element<HTMLSelectElement>("second");
  private readonly mix = element<HTMLInputElement>("mix");
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private controls?: ControlPanel;
  private presets?: PresetPanel;
  /** The panel of the presets was opened, and has no pictures yet. */
  onPresets: () => void = () => undefined;

  constructor(private readonly expressions: readonly string[]) {
    for (const expression of expressions) this.addExpression(expression);
    for (const [input, key] of [[this.intensity, "intensity"], [this.mix, "mix"]] as const) {
      input.addEventListener("input", () => this.onChange({ [key]: Number(input.value) }, false));
      input.addEventListener("change", () => this.onChange({ [key]: Number(input.value) }, true));
    }
    this.intensity.addEventListener("dblclick", () => this.onChange({ intensity: 1 }, true));
    this.second.addEventListener("change", () => this.onChange({ second: this.second.value }, true));
    element("regions").addEventListener("change", (event) => this.onChange({ region: (event.target as HTMLInputElement).value }, true));
    element("faces").addEventListener("change", () => this.chooseFaces());
  }

  /** What a picture is first shown with. */
  get usual(): string {
    return this.expressions.includes("happy") ? "happy" : this.expressions[0]!;
  }

  /** The model is here: its regions can be offered. */
  offer(editor: Sargan): void {
    this.offerControls(editor);
    for (const region of editor.regions) {
      element("regions").append(choice("radio", "region", region, REGION_WORDS[region] ?? capitalised(region), region === editor.regions[0]));
    }
  }

  /** Sliders for the facial controls of a model that has them, and presets. */
  private offerControls(editor: Sargan): void {
    if (!editor.controls.length) return;
    const change = (part: Partial<Recipe>, isSettled: boolean) => this.onChange(part, isSettled);
    this.controls = new ControlPanel(editor, change);
    this.presets = new PresetPanel(editor, change, () => this.onPresets(), PREVIEW_SIDE);
  }

  /** Makes the controls say what a recipe says. */
  show(recipe: Recipe, faces: number): void {
    for (const [expression, button] of this.buttons) button.setAttribute("aria-pressed", String(expression === recipe.first));
    this.intensity.value = String(recipe.intensity);
    element("intensity-value").textContent = `${Math.round(100 * recipe.intensity)}%`;
    this.intensity.setAttribute("aria-valuetext", `${Math.round(100 * recipe.intensity)}%`);
    this.second.value = recipe.second;
    this.mix.value = String(recipe.mix);
    element("mix-value").textContent = `${Math.round(100 * recipe.mix)}%`;
    this.mix.setAttribute("aria-valuetext", `${Math.round(100 * recipe.mix)}%`);
    this.mix.disabled = !recipe.second || this.second.disabled;
    for (const input of element("regions").querySelectorAll("input")) input.checked = input.value === recipe.region;
    this.showFaces(recipe.faces, faces);
    this.controls?.show(recipe);
    this.presets?.show(recipe);
  }

  enable(on: boolean): void {
    this.enableChoice(on);
    for (const id of ACTIONS) element<HTMLButtonElement>(id).disabled = !on;
  }

  /** What to make can be chosen, as soon as something can make it. */
  enableChoice(on: boolean): void {
    for (const button of this.buttons.values()) button.disabled = !on;
    this.controls?.enable(on);
    this.presets?.enable(on);
    this.intensity.disabled = this.second.disabled = !on;
    this.mix.disabled = !on || !this.second.value;
  }

  /** Empties the previews: those of another picture would mislead. */
  clear(): void {
    for (const button of this.buttons.values()) this.canvasOf(button).getContext("2d")!.clearRect(0, 0, PREVIEW_SIDE, PREVIEW_SIDE);
  }

  /** Fills the previews one by one, as long as `isWanted`. */
  async fill(portrait: Portrait, face: Pick<EditOptions, "faces" | "box">, isWanted: () => boolean): Promise<void> {
    for (const [expression, button] of this.buttons) {
      if (!isWanted()) return;
      const preview = await portrait.preview({ expression, ...face }, PREVIEW_SIDE);
      if (isWanted()) this.canvasOf(button).getContext("2d")!.putImageData(preview, 0, 0);
    }
  }

  clearPresets(): void {
    this.presets?.clear();
  }

  /** Makes the pictures of the presets, if they are looked at; see `PresetPanel.fill`. */
  async fillPresets(...given: Parameters<PresetPanel["fill"]>): Promise<void> {
    await this.presets?.fill(...given);
  }

  /** Fills the previews from a strip that was made beforehand, in the order of the expressions. */
  fillFrom(strip: ImageBitmap): void {
    [...this.buttons.values()].forEach((button, index) => {
      this.canvasOf(button).getContext("2d")!.drawImage(strip, index * PREVIEW_SIDE, 0, PREVIEW_SIDE, PREVIEW_SIDE, 0, 0, PREVIEW_SIDE, PREVIEW_SIDE);
    });
    strip.close();
  }

  private addExpression(expression: string): void {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = PREVIEW_SIDE;
    const button = pictureButton(capitalised(expression), canvas);
    button.disabled = true;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      // With controls, an expression can be taken away again.
      const isTaken = !!this.controls && button.getAttribute("aria-pressed") === "true";
      this.onChange({ first: isTaken ? "" : expression, intensity: Number(this.intensity.value) || 1 }, true);
    });
    this.buttons.set(expression, button);
    element("previews").append(button);
    this.second.append(new Option(expression, expression));
  }

  private canvasOf(button: HTMLButtonElement): HTMLCanvasElement {
    return button.querySelector("canvas")!;
  }

  private showFaces(chosen: readonly number[], count: number): void {
    const root = element("faces");
    if (root.querySelectorAll("input").length !== count) {
      const choices = Array.from({ length: count }, (_, n) => choice("checkbox", "face", String(n + 1), `Face ${n + 1}`, false));
      root.replaceChildren(root.firstElementChild!, ...choices);
    }
    for (const input of root.querySelectorAll("input")) input.checked = chosen.includes(Number(input.value));
  }

  private chooseFaces(): void {
    const inputs = [...element("faces").querySelectorAll("input")];
    const faces = inputs.filter((input) => input.checked).map((input) => Number(input.value));
    this.onChange({ faces: faces.length ? faces : [1] }, true);
  }
}
