import { ControlError, PresetError } from "./errors";
import { perFace } from "./per-face";
import type { Controls, ForEach, Manifest, Preset } from "./types";

type Known = Pick<Manifest, "controls">;

const SIDES = ["_left", "_right"];

/** The controls that a name means: its own, or both sides of it: "smile" -> smile_left, smile_right. */
export function resolveControl(name: string, { controls }: Known): string[] {
  const wanted = name.trim().toLowerCase().replace(/[- ]/g, "_");
  const meant = [wanted, ...SIDES.map((side) => wanted + side)];
  const found = controls.map((control) => control.name).filter((known) => meant.includes(known));
  if (found.length) return found;
  throw new ControlError(`There is no control "${name}". There are ${controls.map((control) => control.name).join(", ")}.`);
}

/** The second condition of a model for values by name; controls that are not named are 0. */
export function controlsVector(values: Controls, known: Known): Float32Array {
  const { controls } = known;
  if (!controls.length) {
    throw new ControlError("This model has no facial controls, only expressions: leave controls out, or load a model that has them.");
  }
  if (typeof values !== "object" || values === null) {
    throw new ControlError(`Controls are values by name, such as {"jaw_open": 0.4}; got ${JSON.stringify(values)}.`);
  }
  const vector = new Float32Array(controls.length);
  const set = new Set<string>();
  for (const [given, value] of Object.entries(values)) {
    for (const name of resolveControl(given, known)) {
      if (set.has(name)) throw new ControlError(`${name} is set twice: "${given}" means it too. Name it once.`);
      set.add(name);
      const index = controls.findIndex((control) => control.name === name);
      const { least } = controls[index]!;
      if (typeof value !== "number" || !(value >= least && value <= 1)) {
        throw new ControlError(`${name} is ${JSON.stringify(value)}; it goes from ${least} to 1, and 0 leaves it as it is.`);
      }
      vector[index] = value;
    }
  }
  return vector;
}

/** One vector for each of `count` faces, for one setting or a list with one for each; zeros for none. */
export function controlVectors(controls: ForEach<Controls | null> | undefined, count: number, known: Known): Float32Array[] {
  const none = new Float32Array(known.controls.length);
  return perFace(controls ?? null, count, "settings of controls").map((values) => (values === null ? none : controlsVector(values, known)));
}

/** A preset of the model by its name, or one of your own as it is. */
export function findPreset(preset: string | Preset, { presets }: Pick<Manifest, "presets">): Preset {
  if (typeof preset !== "string") return preset;
  const wanted = preset.trim().toLowerCase().replace(/[-_]/g, " ");
  const found = presets[wanted];
  if (found) return found;
  const names = Object.keys(presets).join(", ");
  throw new PresetError(`There is no preset "${preset}". ${names ? `There are ${names}.` : "This model has none, as it has no facial controls."}`);
}
