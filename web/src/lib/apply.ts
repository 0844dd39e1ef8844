import { boundsOf, compose, cropCorners, invert, mapPoint, scaleOf, type Affine } from "./geometry";
import { fetchLanczos, sharpen } from "./lanczos";
import { cubicWeights, cut } from "./pixels";
import type { Box, Manifest, Pixels, Point } from "./types";

/** Planes of float32 [channels, side, side]. */
export interface Field {
  channels: number;
  side: number;
  data: Float32Array;
}

const [ACROSS, DOWN] = [new Float32Array(4), new Float32Array(4)];
// Channels of the graph `scale`: motion 2, residual 3, coarse 3, coarseness 1, weight 1; and of a model with an occlusion layer
// occlusion 1, painted 3.
const [RESIDUAL, COARSE, COARSENESS, WEIGHT, OCCLUSION, PAINTED] = [2, 5, 8, 9, 10, 11];

/**
 * Makes a change in a picture's own pixels, in place, as `sargan_hf.editing.apply.apply_change`.
 *
 * `fields` are those of the graph `scale`, over the crop widened by `shared.spread` on each side, and `transform` maps
 * picture pixels to the crop. Returns the rectangle outside of which no pixel was touched.
 */
export function applyChange(pixels: Pixels, transform: Affine, fields: Field, shared: Manifest): Box {
  const wide = compose([1, 0, shared.spread, 0, 1, shared.spread], transform);
  const [left, top, right, bottom] = rectangle(wide, fields, shared.apply.leastWeight, pixels);
  if (left >= right || top >= bottom) return [left, top, left, top];
  const [reduced, toFields] = reduce(inPicturePixels(fields, transform), wide);
  const reach = Math.ceil(largest(reduced.data.subarray(0, 2 * reduced.side ** 2))) + 3;
  const corner = [Math.max(0, left - reach), Math.max(0, top - reach)] as const;
  const source = cut(pixels, ...corner, Math.min(pixels.width, right + reach), Math.min(pixels.height, bottom + reach));
  const rows = Math.max(16, Math.floor(shared.apply.bandPixels / (right - left)));
  for (let start = top; start < bottom; start += rows) {
    applyBand(pixels, source, corner, [left, start, right, Math.min(bottom, start + rows)], reduced, toFields, shared);
  }
  return [left, top, right, bottom];
}

function applyBand(
  pixels: Pixels,
  source: Pixels,
  corner: readonly [number, number],
  [left, top, right, bottom]: Box,
  fields: Field,
  toFields: Affine,
  shared: Manifest,
): void {
  const [width, height] = [right - left, bottom - top];
  const upsampled = upsample(fields, compose(toFields, [1, 0, left, 0, 1, top]), width, height, shared);
  const count = width * height;
  const warped = new Float32Array(3 * count);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const fromX = x + left - corner[0] + upsampled[at]!;
      const fromY = y + top - corner[1] + upsampled[count + at]!;
      fetchLanczos(source, fromX, fromY, warped, 3 * at);
    }
  }
  const between = (at: number) => {
    const [fromX, fromY] = [upsampled[at]!, upsampled[count + at]!];
    const [offX, offY] = [fromX - Math.floor(fromX), fromY - Math.floor(fromY)];
    return offX * (1 - offX) + offY * (1 - offY);
  };
  const sharp = sharpen(warped, width, height, shared.apply.restoredDetail, between);
  const isLayered = fields.channels > OCCLUSION;
  for (let y = 0, at = 0; y < height; y++) {
    let to = ((top + y) * pixels.width + left) * 4;
    for (let x = 0; x < width; x++, at++, to += 4) {
      if (!(upsampled[WEIGHT * count + at]! > shared.apply.leastWeight)) continue;
      const coarseness = upsampled[COARSENESS * count + at]!;
      const hidden = isLayered ? upsampled[OCCLUSION * count + at]! : 0;
      for (let c = 0; c < 3; c++) {
        const own = sharp[3 * at + c]!;
        const shown = own + coarseness * (upsampled[(COARSE + c) * count + at]! * 255 - own);
        const edited = shown + upsampled[(RESIDUAL + c) * count + at]! * 255;
        pixels.data[to + c] = hidden > 0 ? edited + hidden * (upsampled[(PAINTED + c) * count + at]! * 255 - edited) : edited;
      }
    }
  }
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

/**
 * Every field at every pixel, [channels, height, width]: cubic for motion and colours, linear for weights, 0 outside.
 *
 * Colours stay 0 where the weight is too small to count, and what is painted where it hides nothing.
 */
function upsample(fields: Field, toFields: Affine, width: number, height: number, { apply }: Manifest): Float32Array {
  const [a, b, c, d, e, f] = toFields;
  const count = width * height;
  const result = new Float32Array(fields.channels * count);
  const plane = fields.side ** 2;
  const edge = fields.channels > OCCLUSION ? layerEdge(1 / scaleOf(toFields), apply) : 0;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const atX = a * x + b * y + c;
      const atY = d * x + e * y + f;
      const left = Math.floor(atX);
      const top = Math.floor(atY);
      const right = atX - left;
      const low = atY - top;
      const weight = linear(fields, WEIGHT * plane, left, top, right, low);
      result[WEIGHT * count + at] = weight;
      const counts = weight > apply.leastWeight;
      cubic(fields, 0, counts ? COARSENESS : RESIDUAL, atX, atY, result, at, count);
      if (!counts) continue;
      result[COARSENESS * count + at] = linear(fields, COARSENESS * plane, left, top, right, low);
      if (!edge) continue;
      const hidden = levelSet(linear(fields, OCCLUSION * plane, left, top, right, low), edge);
      result[OCCLUSION * count + at] = hidden;
      if (hidden > 0) cubic(fields, PAINTED, PAINTED + 3, atX, atY, result, at, count);
    }
  }
  return result;
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

function linear({ side, data }: Field, plane: number, left: number, top: number, x: number, y: number): number {
  let sum = 0;
  for (let j = 0; j < 2; j++) {
    if (top + j < 0 || top + j >= side) continue;
    for (let i = 0; i < 2; i++) {
      if (left + i < 0 || left + i >= side) continue;
      sum += (i ? x : 1 - x) * (j ? y : 1 - y) * data[plane + (top + j) * side + left + i]!;
    }
  }
  return sum;
}

/** The planes from `start` to before `end` at one place, each into its `count` values of `out`, at `to`. */
function cubic(
  { side, data }: Field,
  start: number,
  end: number,
  x: number,
  y: number,
  out: Float32Array,
  to: number,
  count: number,
): void {
  const left = Math.floor(x) - 1;
  const top = Math.floor(y) - 1;
  const across = cubicWeights(x - left - 1, ACROSS);
  const down = cubicWeights(y - top - 1, DOWN);
  const firstRow = Math.max(0, -top);
  const lastRow = Math.min(4, side - top);
  const first = Math.max(0, -left);
  const last = Math.min(4, side - left);
  for (let channel = start; channel < end; channel++) {
    const plane = channel * side * side;
    let sum = 0;
    for (let j = firstRow; j < lastRow; j++) {
      const row = plane + (top + j) * side + left;
      let line = 0;
      for (let i = first; i < last; i++) line += across[i]! * data[row + i]!;
      sum += down[j]! * line;
    }
    out[channel * count + to] = sum;
  }
}

/** Adds a patch [3, size, size], in units of the full range, to the pixels of `region` that it lies over; alpha stays. */
export function addPatch(pixels: Pixels, paint: Field, toPatch: Affine, region: Box): void {
  const bounds = boundsOf(cropCorners(toPatch, paint.side));
  const clip = (value: number, axis: 0 | 1) => Math.min(Math.max(value, region[axis]), region[axis + 2]!);
  const [left, top] = [clip(Math.floor(bounds[0]), 0), clip(Math.floor(bounds[1]), 1)];
  const [right, bottom] = [clip(Math.ceil(bounds[2]) + 1, 0), clip(Math.ceil(bounds[3]) + 1, 1)];
  const colour = new Float32Array(3);
  const [a, b, c, d, e, f] = compose(toPatch, [1, 0, left, 0, 1, top]);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const atX = a * (x - left) + b * (y - top) + c;
      const atY = d * (x - left) + e * (y - top) + f;
      if (atX < -2 || atY < -2 || atX > paint.side + 1 || atY > paint.side + 1) continue;
      cubic(paint, 0, 3, atX, atY, colour, 0, 1);
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
