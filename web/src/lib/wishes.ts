import { controlVectors, findPreset } from "./controls";
import { ConfigurationError } from "./errors";
import { conditions } from "./expressions";
import type { EditOptions, Manifest } from "./types";

/** What is asked of one face: the two conditions of the model. */
export interface Wish {
  expression: Float32Array;
  /** Empty for a model without controls. */
  controls: Float32Array;
  intensity: number;
  /** The intensity, or 0 where nothing is asked. */
  strength: number;
}

type Asked = Pick<EditOptions, "expression" | "controls" | "preset" | "intensity">;

/** What the options mean for each of `count` faces, as `requests.combined` of Python. */
export function wishes({ expression, controls, preset, intensity = 1 }: Asked, count: number, shared: Manifest): Wish[] {
  checkIntensity(intensity, shared);
  if (preset !== undefined) {
    if (expression !== undefined || controls !== undefined) {
      throw new ConfigurationError("A preset stands for an expression and controls: give it, or these.");
    }
    const named = findPreset(preset, shared);
    expression = filled(named.expression);
    controls = filled(named.controls);
    intensity *= named.intensity ?? 1;
    checkIntensity(intensity, shared);
  } else if (expression === undefined && controls === undefined) {
    expression = "happy";
  }
  const none = new Float32Array(shared.expressions.length);
  const vectors = expression === undefined ? Array.from({ length: count }, () => none) : conditions(expression, count, shared);
  return controlVectors(controls, count, shared).map((values, face) => {
    const vector = vectors[face]!;
    return { expression: vector, controls: values, intensity, strength: isSet(vector) || isSet(values) ? intensity : 0 };
  });
}

/** Whether anything in a condition is asked for. */
export function isSet(vector: Float32Array): boolean {
  return vector.some((value) => value !== 0);
}

/** What was done, a sentence, for the note in a saved file: as of Python's `_note`. */
export function description(asked: readonly Wish[], { expressions, controls }: Pick<Manifest, "expressions" | "controls">): string {
  const texts = asked.map((wish) => {
    const blend = expressions.map((name, index) => [name, wish.expression[index]!] as const).filter(([, weight]) => weight > 0);
    const moved = controls.map(({ name }, index) => [name, wish.controls[index]!] as const).filter(([, value]) => value !== 0);
    const parts = [
      ...blend.map(([name, weight]) => `${name} ${Math.round(100 * weight)}%`),
      ...moved.map(([name, value]) => `${name} ${value > 0 ? "+" : ""}${shortest(value)}`),
    ];
    return parts.join(" and ") || "nothing";
  });
  return `Facial expression edited with SARGAN: ${texts.join(", ")} at intensity ${shortest(asked[0]!.intensity)}.`;
}

function shortest(value: number): number {
  return Number(value.toPrecision(6));
}

function filled<T extends object>(values: T | undefined): T | undefined {
  return values && Object.keys(values).length ? values : undefined;
}

function checkIntensity(intensity: unknown, { maxIntensity }: Manifest): void {
  if (typeof intensity !== "number" || !(intensity >= 0 && intensity <= maxIntensity)) {
    throw new ConfigurationError(`intensity must be a number from 0 to ${maxIntensity}; got ${JSON.stringify(intensity)}.`);
  }
}
