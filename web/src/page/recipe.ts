import type { Box, EditOptions, Preset } from "../lib";

/** What the visitor has chosen. */
export interface Recipe {
  /** The expression, or "" for none: then controls alone move the face. */
  first: string;
  /** The expression to mix in, or "". */
  second: string;
  /** How much of the second, from 0 to 1. */
  mix: number;
  intensity: number;
  region: string;
  /** Numbers of the faces, from 1. */
  faces: readonly number[];
  /** Facial controls that are not 0. */
  controls: Readonly<Record<string, number>>;
  /** A face marked by hand, instead of those that were found. */
  box?: Box | undefined;
}

export const PLAIN: Recipe = { first: "", second: "", mix: 0.5, intensity: 1, region: "face", faces: [1], controls: {} };

/** The options of an edit; the page asks the same of all faces. */
export function editOptions({ first, second, mix, intensity, region, faces, controls, box }: Recipe): EditOptions & { intensity: number } {
  const where = box ? { box, region } : { faces, region };
  const hasControls = Object.keys(controls).length > 0;
  if (!first && !hasControls) return { ...where, intensity: 0 };
  const expression = second && second !== first ? { [first]: 1 - mix, [second]: mix } : first;
  return { ...where, intensity, ...(first && { expression }), ...(hasControls && { controls }) };
}

/** The part of a recipe that a preset says. */
export function recipeOf({ expression = {}, controls = {}, intensity = 1 }: Preset): Partial<Recipe> {
  const [[first = "", whole = 1] = [], [second = "", part = 0] = []] = Object.entries(expression);
  return { first, second, mix: second ? part / (whole + part) : 0.5, controls, intensity };
}

/** Whether a recipe asks for what a preset says. */
export function isAsked(preset: Preset, recipe: Recipe): boolean {
  const { first, second, mix, intensity, controls } = { ...PLAIN, ...recipeOf(preset) };
  const names = Object.keys(controls);
  const isSame = names.length === Object.keys(recipe.controls).length && names.every((name) => controls[name] === recipe.controls[name]);
  return isSame && first === recipe.first && second === recipe.second && intensity === recipe.intensity && (!second || mix === recipe.mix);
}

/** What a recipe does, in words. */
export function described({ first, second, mix, intensity, faces, controls }: Recipe): string {
  const moved = Object.keys(controls).length;
  if (intensity === 0 || (!first && !moved)) return "The picture as it was.";
  const blend = second && second !== first ? `${first} with ${Math.round(100 * mix)}% ${second}` : first;
  const what = [blend, moved && `${moved} facial ${moved === 1 ? "control" : "controls"}`].filter(Boolean).join(" and ");
  const where = faces.length > 1 ? `, on ${faces.length} faces` : "";
  return `Now ${what}, strength ${Math.round(100 * intensity)}%${where}.`;
}

/** Every state that was settled on, for undo and redo. */
export class History<T> {
  private readonly states: T[] = [];
  private at = -1;

  get canUndo(): boolean {
    return this.at > 0;
  }

  get canRedo(): boolean {
    return this.at < this.states.length - 1;
  }

  add(state: T): void {
    if (JSON.stringify(state) === JSON.stringify(this.states[this.at])) return;
    this.states.splice(this.at + 1, Infinity, state);
    this.at = this.states.length - 1;
  }

  undo(): T | undefined {
    return this.canUndo ? this.states[--this.at] : undefined;
  }

  redo(): T | undefined {
    return this.canRedo ? this.states[++this.at] : undefined;
  }

  clear(): void {
    this.states.length = 0;
    this.at = -1;
  }
}
