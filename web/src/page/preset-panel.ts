import type { EditOptions, Portrait, Preset, Sargan } from "../lib";
import { capitalised, element, pictureButton } from "./elements";
import { isAsked, recipeOf, type Recipe } from "./recipe";

type Choose = (change: Partial<Recipe>, isSettled: boolean) => void;

/** The presets, each as a small picture of this face. The pictures are made one by one while the panel is open. */
export class PresetPanel {
  private readonly root = element<HTMLDetailsElement>("presets");
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly presets: Readonly<Record<string, Preset>>;
  private readonly filled = new Set<string>();

  constructor(editor: Sargan, choose: Choose, opened: () => void, private readonly side: number) {
    this.presets = editor.presets;
    this.root.hidden = false;
    this.root.addEventListener("toggle", () => this.root.open && opened());
    for (const [name, preset] of Object.entries(editor.presets)) {
      const button = pictureButton(capitalised(name), Object.assign(document.createElement("canvas"), { width: side, height: side }));
      button.disabled = true;
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => choose(recipeOf(preset), true));
      this.buttons.set(name, button);
      element("preset-buttons").append(button);
    }
  }

  show(recipe: Recipe): void {
    for (const [name, button] of this.buttons) button.setAttribute("aria-pressed", String(isAsked(this.presets[name]!, recipe)));
  }

  enable(on: boolean): void {
    for (const button of this.buttons.values()) button.disabled = !on;
  }

  /** Empties the pictures: those of another face would mislead. */
  clear(): void {
    this.filled.clear();
    for (const button of this.buttons.values()) contextOf(button).clearRect(0, 0, this.side, this.side);
  }

  /** Makes the pictures that are missing, as long as `isWanted`; before each, it lets `others` go first. */
  async fill(portrait: Portrait, face: Pick<EditOptions, "faces" | "box">, isWanted: () => boolean, others: () => Promise<void>): Promise<void> {
    for (const [name, button] of this.buttons) {
      if (this.filled.has(name)) continue;
      await others();
      if (!this.root.open || !isWanted()) return;
      const preview = await portrait.preview({ preset: name, ...face }, this.side);
      if (!isWanted()) return;
      contextOf(button).putImageData(preview, 0, 0);
      this.filled.add(name);
    }
  }
}

function contextOf(button: HTMLButtonElement): CanvasRenderingContext2D {
  return button.querySelector("canvas")!.getContext("2d")!;
}
