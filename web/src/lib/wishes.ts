import { controlVectors, findPreset } from "./controls";
import { ConfigurationError } from "./errors";
import { conditions } from "./expressions";
import { perFace } from "./per-face";
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
export function wishes(asked: Asked, count: number, shared: Manifest): Wish[] {
  const { expression, controls, intensities } = combined(asked, count, shared);
  for (const intensity of intensities) checkIntensity(intensity, shared);
  const vectors = conditions(expression, count, shared);
  return controlVectors(controls, count, shared).map((values, face) => {
    const [vector, intensity] = [vectors[face]!, intensities[face]!];
    return { expression: vector, controls: values, intensity, strength: isSet(vector) || isSet(values) ? intensity : 0 };
  });
}

type Combined = Pick<Asked, "expression" | "controls"> & { intensities: number[] };

/** Expression and controls that a preset stands for, and the intensity of each face. */
function combined({ expression, controls, preset, intensity = 1 }: Asked, count: number, shared: Manifest): Combined {
  const intensities = perFace(intensity, count, "intensities");
  if (preset === undefined) {
    return { expression: expression === undefined && controls === undefined ? "happy" : expression, controls, intensities };
  }
  if (expression !== undefined || controls !== undefined) {
    throw new ConfigurationError("A preset stands for an expression and controls: give it, or these.");
  }
  for (const one of intensities) checkIntensity(one, shared);
  const named = perFace(preset, count, "presets").map((one) => findPreset(one, shared));
  return {
    expression: named.map((one) => filled(one.expression)),
    controls: named.map((one) => filled(one.controls)),
    intensities: named.map((one, face) => intensities[face]! * (one.intensity ?? 1)),
  };
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
  const strengths = asked.map(({ intensity }) => `at intensity ${shortest(intensity)}`);
  const isOne = strengths.every((strength) => strength === strengths[0]);
  const wanted = isOne ? `${texts.join(", ")} ${strengths[0]}` : texts.map((text, face) => `${text} ${strengths[face]}`).join(", ");
  return `Facial expression edited with SARGAN: ${wanted}.`;
}

function shortest(value: number): number {
  return Number(value.toPrecision(6));
}

function filled<T extends object>(values: T | undefined): T | null {
  return values && Object.keys(values).length ? values : null;
}

function checkIntensity(intensity: unknown, { maxIntensity }: Manifest): void {
  if (typeof intensity !== "number" || !(intensity >= 0 && intensity <= maxIntensity)) {
    throw new ConfigurationError(`intensity must be a number from 0 to ${maxIntensity}; got ${JSON.stringify(intensity)}.`);
  }
}
