import type { EditOptions } from "../lib";

/** What the visitor has chosen. */
export interface Recipe {
  first: string;
  /** The expression to mix in, or "". */
  second: string;
  /** How much of the second, from 0 to 1. */
  mix: number;
  intensity: number;
  region: string;
  /** Numbers of the faces, from 1. */
  faces: readonly number[];
}

export function editOptions({ first, second, mix, intensity, region, faces }: Recipe): EditOptions {
  const expression = second && second !== first ? { [first]: 1 - mix, [second]: mix } : first;
  return { expression, intensity, region, faces };
}

/** What a recipe does, in words. */
export function described({ first, second, mix, intensity, faces }: Recipe): string {
  if (intensity === 0) return "The picture as it was.";
  const blend = second && second !== first ? `${first} with ${Math.round(100 * mix)}% ${second}` : first;
  const where = faces.length > 1 ? `, on ${faces.length} faces` : "";
  return `Now ${blend}, strength ${Math.round(100 * intensity)}%${where}.`;
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
