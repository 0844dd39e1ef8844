import { existsSync, readFileSync } from "node:fs";
import type { Field } from "../src/lib/apply";
import type { Pixels } from "../src/lib/types";

/** An array as `make_fixtures.py` packs it. */
export interface Packed {
  shape: number[];
  type: string;
  data: string;
}

const PATH = new URL("fixtures/pictures.json", import.meta.url);

/** What `make_fixtures.py` wrote. */
export function fixtures(): Record<string, any> {
  if (!existsSync(PATH)) throw new Error("Run `python web/tests/make_fixtures.py` first: it writes what Python makes of some pictures.");
  return JSON.parse(readFileSync(PATH, "utf8"));
}

export function unpacked({ shape, data }: Packed): Pixels {
  const bytes = Buffer.from(data, "base64");
  return { width: shape[1]!, height: shape[0]!, data: new Uint8ClampedArray(bytes) };
}

/** Planes of float32 as `make_fixtures.py` packs them. */
export function unpackedField({ shape, type, data }: Packed): Field {
  if (type !== "float32" || shape[1] !== shape[2]) throw new Error(`${type} [${shape.join()}] is no field`);
  const bytes = Buffer.from(data, "base64");
  return { channels: shape[0]!, side: shape[1]!, data: new Float32Array(Uint8Array.from(bytes).buffer) };
}

/** How far two pictures are apart, in levels of 255. */
export function difference(one: Pixels, other: Pixels): { mean: number; largest: number } {
  if (one.width !== other.width || one.height !== other.height) {
    throw new Error(`${one.width} x ${one.height} is not ${other.width} x ${other.height}`);
  }
  let [sum, largest] = [0, 0];
  for (let i = 0; i < one.data.length; i++) {
    const apart = Math.abs(one.data[i]! - other.data[i]!);
    sum += apart;
    largest = Math.max(largest, apart);
  }
  return { mean: sum / one.data.length, largest };
}
