import { boundsOf, compose, cropCorners, invert, mapPoint, scaleOf, type Affine } from "./geometry";
import { addGrain, grainOf, type Grain } from "./grain";
import { fetchLanczos, sharpen } from "./lanczos";
import { cubicWeights, cut, letGo } from "./pixels";
import type { Box, Manifest, Pixels, Point } from "./types";

/** Planes of float32 [channels, side, side]. */
export interface Field {
  channels: number;
  side: number;
  data: Float32Array;
}

/** Planes with `BORDER` zeros on each side, `stride` values from row to row; in double precision, which is what sums are in. */
interface Bordered {
  channels: number;
  side: number;
  stride: number;
  data: Float64Array;
}

const BORDER = 3; // as far as cubic interpolation reaches

const [ACROSS, DOWN] = [new Float32Array(4), new Float32Array(4)];
// Channels of the graph `scale`: motion 2, residual 3, coarse 3, coarseness 1, weight 1; and of a model with an occlusion layer
// occlusion 1, painted 3.
const [RESIDUAL, COARSE, COARSENESS, WEIGHT, OCCLUSION, PAINTED] = [2, 5, 8, 9, 10, 11];

/**
 * Makes a change in a picture's own pixels, in place, as `sargan_hf.editing.apply.apply_change`.
 *
 * `fields` are those of the graph `scale`, over the crop widened by `shared.spread` on each side, and `transform` maps
 * picture pixels to the crop. `untouched` is another copy of the same pixels, where there is one: without it, one is made of the
 * face's surroundings. Returns the rectangle outside of which no pixel was touched.
 */
export function applyChange(pixels: Pixels, transform: Affine, fields: Field, shared: Manifest, untouched?: Pixels): Box {
  const wide = compose([1, 0, shared.spread, 0, 1, shared.spread], transform);
  const [left, top, right, bottom] = rectangle(wide, fields, shared.apply.leastWeight, pixels);
  if (left >= right || top >= bottom) return [left, top, left, top];
  const moved = inPicturePixels(fields, transform);
  const [reduced, toFields] = reduce(moved, wide);
  const reach = Math.ceil(largest(reduced.data.subarray(0, 2 * reduced.side ** 2))) + 3;
  const corner = untouched ? ([0, 0] as const) : ([Math.max(0, left - reach), Math.max(0, top - reach)] as const);
  const source = untouched ?? cut(pixels, ...corner, Math.min(pixels.width, right + reach), Math.min(pixels.height, bottom + reach));
  const rows = Math.min(bottom - top, Math.max(16, Math.floor(shared.apply.bandPixels / (right - left))));
  const band = bandOf(rows * (right - left));
  const wideFields = bordered(reduced);
  const grain = isPainted(reduced) ? grainOf(pixels, transform, shared) : null;
  for (let start = top; start < bottom; start += rows) {
    applyBand(pixels, source, corner, [left, start, right, Math.min(bottom, start + rows)], wideFields, toFields, shared, grain, band);
  }
  [...Object.values(band), moved.data, reduced.data, wideFields.data].forEach(letGo);
  if (!untouched) letGo(source.data);
  return [left, top, right, bottom];
}

/** What is computed for a band of rows, in memory that all bands of a face share. */
interface Band {
  /** 1 for each pixel that the edit changes. */
  acts: Uint8Array;
  motion: Float32Array;
  warped: Float32Array;
}

function bandOf(count: number): Band {
  return { acts: new Uint8Array(count), motion: new Float32Array(2 * count), warped: new Float32Array(3 * count) };
}

function applyBand(
  pixels: Pixels,
  source: Pixels,
  corner: readonly [number, number],
  [left, top, right, bottom]: Box,
  fields: Bordered,
  toFields: Affine,
  { apply, grain: numbers }: Manifest,
  grain: Grain | null,
  { acts, motion, warped }: Band,
): void {
  const [width, height] = [right - left, bottom - top];
  const place = compose(toFields, [1, 0, left, 0, 1, top]);
  const [a, b, c, d, e, f] = place;
  const count = width * height;
  markActing(fields, place, width, height, apply.leastWeight, acts);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!isNear(acts, at, x, y, width, height)) continue;
      cubic(fields, 0, RESIDUAL, a * x + b * y + c, d * x + e * y + f, motion, at, count);
      const fromX = x + left - corner[0] + motion[at]!;
      const fromY = y + top - corner[1] + motion[count + at]!;
      fetchLanczos(source, fromX, fromY, warped, 3 * at);
    }
  }
  const edge = fields.channels > OCCLUSION ? layerEdge(1 / scaleOf(place), apply) : 0;
  const [shown, own] = [new Float32Array(fields.channels), new Float32Array(3)];
  for (let y = 0, at = 0; y < height; y++) {
    let to = ((top + y) * pixels.width + left) * 4;
    for (let x = 0; x < width; x++, at++, to += 4) {
      if (!acts[at]) continue;
      const atX = a * x + b * y + c;
      const atY = d * x + e * y + f;
      const between = fromBetween(motion[at]!) + fromBetween(motion[count + at]!);
      sharpen(warped, width, height, x, y, apply.restoredDetail * between, own);
      const coarseness = linear(fields, COARSENESS, atX, atY);
      cubic(fields, RESIDUAL, coarseness > 0 ? COARSENESS : COARSE, atX, atY, shown, 0, 1);
      const hidden = edge ? levelSet(linear(fields, OCCLUSION, atX, atY), edge) : 0;
      if (hidden > 0) cubic(fields, PAINTED, PAINTED + 3, atX, atY, shown, 0, 1);
      for (let c = 0; c < 3; c++) {
        const moved = coarseness > 0 ? own[c]! + coarseness * (shown[COARSE + c]! * 255 - own[c]!) : own[c]!;
        const edited = moved + shown[RESIDUAL + c]! * 255;
        own[c] = hidden > 0 ? edited + hidden * (shown[PAINTED + c]! * 255 - edited) : edited;
      }
      const painted = hidden + (1 - hidden) * coarseness;
      if (grain && painted > 0) addGrain(own, painted, left + x, top + y, grain, numbers);
      for (let c = 0; c < 3; c++) pixels.data[to + c] = own[c]!;
    }
  }
}

/** Whether anything is shown that is not of the picture's own pixels. */
function isPainted({ channels, side, data }: Field): boolean {
  return [COARSENESS, OCCLUSION].some((plane) => plane < channels && data.subarray(plane * side ** 2, (plane + 1) * side ** 2).some(Boolean));
}

/** 1 in `acts` for each pixel that the edit changes, [height, width], and 0 for the others. */
function markActing(fields: Bordered, [a, b, c, d, e, f]: Affine, width: number, height: number, least: number, acts: Uint8Array): void {
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      acts[at] = linear(fields, WEIGHT, a * x + b * y + c, d * x + e * y + f) > least ? 1 : 0;
    }
  }
}

/** Whether a pixel or one beside it is changed: what sharpening looks at. */
function isNear(acts: Uint8Array, at: number, x: number, y: number, width: number, height: number): boolean {
  if (acts[at] || (x > 0 && acts[at - 1]) || (x + 1 < width && acts[at + 1])) return true;
  return Boolean((y > 0 && acts[at - width]) || (y + 1 < height && acts[at + width]));
}

/** How far between two pixels a motion ends: 0 on one, 0.25 in the middle. */
function fromBetween(motion: number): number {
  const off = motion - Math.floor(motion);
  return off * (1 - off);
}

/** The motion in pixels of the picture instead of the crop. */
function inPicturePixels(fields: Field, transform: Affine): Field {
  const [a, b, , d, e] = invert(transform);
  const [count, data] = [fields.side ** 2, fields.data.slice()];
  for (let at = 0; at < count; at++) {
    const [x, y] = [fields.data[at]!, fields.data[count + at]!];
    data[at] = a * x + b * y;
    data[count + at] = d * x + e * y;
  }
  return { ...fields, data };
}

/** The fields averaged down where the face is smaller than the crop, and the map from picture pixels to them. */
function reduce(fields: Field, wide: Affine): [Field, Affine] {
  const factor = Math.floor(scaleOf(wide));
  if (factor <= 1) return [fields, wide];
  const side = Math.floor(fields.side / factor);
  const data = new Float32Array(fields.channels * side * side);
  for (let c = 0, to = 0; c < fields.channels; c++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++, to++) {
        let sum = 0;
        for (let j = 0; j < factor; j++) {
          const from = (c * fields.side + y * factor + j) * fields.side + x * factor;
          for (let i = 0; i < factor; i++) sum += fields.data[from + i]!;
        }
        data[to] = sum / (factor * factor);
      }
    }
  }
  const shift = (1 / factor - 1) / 2;
  return [{ channels: fields.channels, side, data }, compose([1 / factor, 0, shift, 0, 1 / factor, shift], wide)];
}

/** The fields within a border of zeros, so that what looks at places about their edge needs no checks. */
function bordered({ channels, side, data }: Field): Bordered {
  const stride = side + 2 * BORDER;
  const wide = new Float64Array(channels * stride * stride);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < side; y++) {
      const from = (c * side + y) * side;
      wide.set(data.subarray(from, from + side), (c * stride + y + BORDER) * stride + BORDER);
    }
  }
  return { channels, side, data: wide, stride };
}

/**
 * Over how much of its range the occlusion layer fades at an enlargement, as `sargan_hf.editing.painted_layer.level_set` says:
 * its edge is some pixels of the picture wide, however large the face is.
 */
export function layerEdge(enlargement: number, { layerEdge, layerSharpest }: Manifest["apply"]): number {
  return Math.min(1, Math.max(layerSharpest, layerEdge / (2 * enlargement)));
}

/** The layer's share of a pixel, for its occlusion there and `layerEdge`. */
export function levelSet(occlusion: number, edge: number): number {
  return Math.min(Math.max((occlusion - 0.5) / edge + 0.5, 0), 1);
}

/** A plane at one place, linear, 0 outside. */
function linear({ side, data, stride }: Bordered, channel: number, atX: number, atY: number): number {
  if (!isWithin(atX, atY, side)) return 0;
  const left = Math.floor(atX);
  const top = Math.floor(atY);
  const x = atX - left;
  const y = atY - top;
  const at = ((channel * stride + top + BORDER) * stride + left + BORDER) | 0;
  const upper = (1 - x) * (1 - y) * data[at]! + x * (1 - y) * data[at + 1]!;
  return upper + (1 - x) * y * data[at + stride]! + x * y * data[at + stride + 1]!;
}

/** The planes from `start` to before `end` at one place, cubic, 0 outside; each into its `count` values of `out`, at `to`. */
function cubic(
  { side, data, stride }: Bordered,
  start: number,
  end: number,
  x: number,
  y: number,
  out: Float32Array,
  to: number,
  count: number,
): void {
  if (!isWithin(x, y, side)) {
    for (let channel = start; channel < end; channel++) out[channel * count + to] = 0;
    return;
  }
  const left = Math.floor(x) - 1;
  const top = Math.floor(y) - 1;
  cubicWeights(x - left - 1, ACROSS);
  cubicWeights(y - top - 1, DOWN);
  // Written out, as this is most of the work on a large face: loops over the four take four times as long.
  const a0 = ACROSS[0]!;
  const a1 = ACROSS[1]!;
  const a2 = ACROSS[2]!;
  const a3 = ACROSS[3]!;
  const first = ((top + BORDER) * stride + left + BORDER) | 0;
  for (let channel = start; channel < end; channel++) {
    let at = (first + channel * stride * stride) | 0;
    let sum = DOWN[0]! * (a0 * data[at]! + a1 * data[at + 1]! + a2 * data[at + 2]! + a3 * data[at + 3]!);
    at += stride;
    sum += DOWN[1]! * (a0 * data[at]! + a1 * data[at + 1]! + a2 * data[at + 2]! + a3 * data[at + 3]!);
    at += stride;
    sum += DOWN[2]! * (a0 * data[at]! + a1 * data[at + 1]! + a2 * data[at + 2]! + a3 * data[at + 3]!);
    at += stride;
    sum += DOWN[3]! * (a0 * data[at]! + a1 * data[at + 1]! + a2 * data[at + 2]! + a3 * data[at + 3]!);
    out[channel * count + to] = sum;
  }
}

/** Whether a place is so near that interpolation reaches the fields, and no further out than their border. */
function isWithin(x: number, y: number, side: number): boolean {
  return x >= -2 && y >= -2 && x < side + 1 && y < side + 1;
}

/** Adds a patch [3, size, size], in units of the full range, to the pixels of `region` that it lies over; alpha stays. */
export function addPatch(pixels: Pixels, paint: Field, toPatch: Affine, region: Box): void {
  const bounds = boundsOf(cropCorners(toPatch, paint.side));
  const clip = (value: number, axis: 0 | 1) => Math.min(Math.max(value, region[axis]), region[axis + 2]!);
  const [left, top] = [clip(Math.floor(bounds[0]), 0), clip(Math.floor(bounds[1]), 1)];
  const [right, bottom] = [clip(Math.ceil(bounds[2]) + 1, 0), clip(Math.ceil(bounds[3]) + 1, 1)];
  const colour = new Float32Array(3);
  const wide = bordered(paint);
  const [a, b, c, d, e, f] = compose(toPatch, [1, 0, left, 0, 1, top]);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const atX = a * (x - left) + b * (y - top) + c;
      const atY = d * (x - left) + e * (y - top) + f;
      if (!isWithin(atX, atY, paint.side)) continue;
      cubic(wide, 0, 3, atX, atY, colour, 0, 1);
      const at = (y * pixels.width + x) * 4;
      for (let channel = 0; channel < 3; channel++) pixels.data[at + channel] = pixels.data[at + channel]! + colour[channel]! * 255;
    }
  }
}

function rectangle(wide: Affine, fields: Field, least: number, { width, height }: Pixels): [number, number, number, number] {
  const plane = fields.data.subarray(WEIGHT * fields.side ** 2, (WEIGHT + 1) * fields.side ** 2);
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let y = 0, at = 0; y < fields.side; y++) {
    for (let x = 0; x < fields.side; x++, at++) {
      if (!(plane[at]! > least)) continue;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
    }
  }
  if (x0 > x1) return [0, 0, 0, 0];
  const back = invert(wide);
  const corners = ([[x0 - 1, y0 - 1], [x1 + 1, y0 - 1], [x1 + 1, y1 + 1], [x0 - 1, y1 + 1]] as Point[]).map((corner) => mapPoint(back, corner));
  const bounds = boundsOf(corners);
  const clip = (value: number, high: number) => Math.min(Math.max(value, 0), high);
  return [
    clip(Math.floor(bounds[0]), width),
    clip(Math.floor(bounds[1]), height),
    clip(Math.ceil(bounds[2]) + 1, width),
    clip(Math.ceil(bounds[3]) + 1, height),
  ];
}

function largest(values: Float32Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
