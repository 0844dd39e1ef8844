import { compose, cropCorners, invert, scaleOf, type Affine } from "./geometry";
import type { Box, Pixels } from "./types";

/** What lies beyond a border: the picture mirrored in, or nothing (black). */
export type Border = "mirror" | "black";

const BACKDROP = 128; // what shows through transparent pixels when a network looks at them

export function emptyPixels(width: number, height: number): Pixels {
  return { width, height, data: new Uint8ClampedArray(width * height * 4) };
}

/** Gives the memory of pixels or numbers back at once, not when the browser collects garbage; nothing may use them any more. */
export function letGo({ buffer }: { readonly buffer: ArrayBufferLike }): void {
  if (!buffer.byteLength) return; // it was given back before
  (buffer as ArrayBuffer & { transfer?: (length: number) => ArrayBuffer }).transfer?.(0); // older browsers collect it later
}

export function isOpaque({ data }: Pixels): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

/** What a viewer shows: transparency on mid grey. The same object where nothing is transparent. */
export function onBackdrop(pixels: Pixels): Pixels {
  if (isOpaque(pixels)) return pixels;
  const shown = emptyPixels(pixels.width, pixels.height);
  for (let i = 0; i < shown.data.length; i += 4) {
    const alpha = pixels.data[i + 3]!;
    for (let c = 0; c < 3; c++) {
      shown.data[i + c] = Math.floor((pixels.data[i + c]! * alpha + BACKDROP * (255 - alpha) + 127) / 255);
    }
    shown.data[i + 3] = 255;
  }
  return shown;
}

/** The part of a picture between left, top and right, bottom. */
export function cut(pixels: Pixels, left: number, top: number, right: number, bottom: number): Pixels {
  const part = emptyPixels(right - left, bottom - top);
  for (let y = 0; y < part.height; y++) {
    const start = ((top + y) * pixels.width + left) * 4;
    part.data.set(pixels.data.subarray(start, start + part.width * 4), y * part.width * 4);
  }
  return part;
}

export function mirror(pixels: Pixels): Pixels {
  const { width, height } = pixels;
  const result = emptyPixels(width, height);
  const [from, to] = [words(pixels), words(result)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) to[y * width + x] = from[y * width + width - 1 - x]!;
  }
  return result;
}

function words(pixels: Pixels): Uint32Array {
  return new Uint32Array(pixels.data.buffer, pixels.data.byteOffset, pixels.width * pixels.height);
}

interface Span {
  first: number;
  weights: Float32Array;
}

const SLIVER = 1e-3; // of a pixel: OpenCV leaves out what is less

/** For each new pixel, the old pixels that it covers and their shares. */
function coverage(old: number, length: number): Span[] {
  const scale = old / length;
  return Array.from({ length }, (_, index) => {
    const start = index * scale;
    const end = start + scale;
    const cell = Math.min(scale, old - start);
    let whole = Math.ceil(start);
    const last = Math.min(Math.floor(end), old - 1);
    whole = Math.min(whole, last);
    const weights: number[] = [];
    let first = whole;
    if (whole - start > SLIVER) {
      first = whole - 1;
      weights.push((whole - start) / cell);
    }
    for (let at = whole; at < last; at++) weights.push(1 / cell);
    if (end - last > SLIVER) weights.push(Math.min(Math.min(end - last, 1), cell) / cell);
    return { first, weights: Float32Array.from(weights) };
  });
}

/**
 * As `cv2.resize` with INTER_AREA: every old pixel counts by how much of it a new one covers. `part` is what is resized, by
 * default the whole: a window of a large picture needs no copy.
 */
export function resizeByArea(pixels: Pixels, width: number, height: number, part: Box = [0, 0, pixels.width, pixels.height]): Pixels {
  const [left, top, right, bottom] = part;
  if (right - left === 2 * width && bottom - top === 2 * height) return halved(pixels, part);
  const result = emptyPixels(width, height);
  const [columns, rows] = [coverage(right - left, width), coverage(bottom - top, height)];
  // In single precision and across before down, as OpenCV: a detector may take another place for a single level.
  const line = new Float32Array(width * 4);
  const sum = new Float32Array(width * 4);
  for (let y = 0; y < height; y++) {
    sum.fill(0);
    const { first, weights } = rows[y]!;
    for (let index = 0; index < weights.length; index++) {
      const weight = weights[index]!;
      reduceLine(pixels, left, top + first + index, columns, line);
      for (let i = 0; i < line.length; i++) sum[i] = sum[i]! + Math.fround(weight * line[i]!);
    }
    result.data.set(sum, y * width * 4);
  }
  return result;
}

/** One row from `left` on with its columns averaged, into `line`. */
function reduceLine({ width, data }: Pixels, left: number, row: number, columns: readonly Span[], line: Float32Array): void {
  for (let x = 0, to = 0; x < columns.length; x++, to += 4) {
    const { first, weights } = columns[x]!;
    let [r, g, b, alpha] = [0, 0, 0, 0];
    for (let index = 0, at = (row * width + left + first) * 4; index < weights.length; index++, at += 4) {
      const weight = weights[index]!;
      r = Math.fround(r + Math.fround(weight * data[at]!));
      g = Math.fround(g + Math.fround(weight * data[at + 1]!));
      b = Math.fround(b + Math.fround(weight * data[at + 2]!));
      alpha = Math.fround(alpha + Math.fround(weight * data[at + 3]!));
    }
    line[to] = r;
    line[to + 1] = g;
    line[to + 2] = b;
    line[to + 3] = alpha;
  }
}

/** Means of four pixels, rounded up at the half: OpenCV's integer path for this one ratio. */
function halved(pixels: Pixels, [left, top, right, bottom]: Box): Pixels {
  const result = emptyPixels((right - left) / 2, (bottom - top) / 2);
  const row = pixels.width * 4;
  for (let y = 0, to = 0; y < result.height; y++) {
    for (let x = 0; x < result.width; x++) {
      for (let c = 0; c < 4; c++, to++) {
        const at = (top + 2 * y) * row + 4 * left + 8 * x + c;
        result.data[to] = (pixels.data[at]! + pixels.data[at + 4]! + pixels.data[at + row]! + pixels.data[at + row + 4]! + 2) >> 2;
      }
    }
  }
  return result;
}

/** As `cv2.resize` with INTER_LINEAR, for enlarging. */
export function resizeLinearly(pixels: Pixels, width: number, height: number): Pixels {
  const [across, down] = [pixels.width / width, pixels.height / height];
  const back: Affine = [across, 0, across / 2 - 0.5, 0, down, down / 2 - 0.5];
  const result = emptyPixels(width, height);
  const at = (value: number, last: number) => Math.min(Math.max(value, 0), last);
  for (let y = 0; y < height; y++) {
    const sourceY = at(back[4] * y + back[5], pixels.height - 1);
    for (let x = 0; x < width; x++) {
      bilinear(pixels, at(back[0] * x + back[2], pixels.width - 1), sourceY, "mirror", result.data, (y * width + x) * 4);
    }
  }
  return result;
}

/** As `cv2.warpAffine`: `transform` maps picture pixels to those of the result. */
export function warp(
  pixels: Pixels,
  transform: Affine,
  [width, height]: readonly [number, number],
  filter: "linear" | "cubic",
  border: Border,
): Pixels {
  const [a, b, c, d, e, f] = invert(transform);
  const fetch = filter === "linear" ? bilinear : bicubic;
  const result = emptyPixels(width, height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      fetch(pixels, a * x + b * y + c, d * x + e * y + f, border, result.data, to);
    }
  }
  return result;
}

/** A place within 0..length - 1 for one beyond the border, or -1 for one that shows nothing. */
export function inside(at: number, length: number, border: Border): number {
  if (at >= 0 && at < length) return at;
  if (border === "black") return -1;
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const folded = ((at % period) + period) % period;
  return folded < length ? folded : period - folded;
}

function bilinear(pixels: Pixels, x: number, y: number, border: Border, out: Uint8ClampedArray, to: number): void {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, low] = [x - left, y - top];
  const { width, height, data } = pixels;
  if (left < 0 || top < 0 || left + 1 >= width || top + 1 >= height) {
    gather(pixels, left, top, [1 - right, right], [1 - low, low], border, out, to);
    return;
  }
  // Away from the border the same sum, written out: most pixels of a crop come through here.
  const [upperLeft, upperRight, lowerLeft, lowerRight] = [(1 - right) * (1 - low), right * (1 - low), (1 - right) * low, right * low];
  const above = (top * width + left) * 4;
  const below = above + width * 4;
  for (let c = 0; c < 4; c++) {
    const upper = upperLeft * data[above + c]! + upperRight * data[above + 4 + c]!;
    out[to + c] = upper + lowerLeft * data[below + c]! + lowerRight * data[below + 4 + c]!;
  }
}

function bicubic(pixels: Pixels, x: number, y: number, border: Border, out: Uint8ClampedArray, to: number): void {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  gather(pixels, left - 1, top - 1, cubicWeights(x - left, ACROSS), cubicWeights(y - top, DOWN), border, out, to);
}

function gather(
  pixels: Pixels,
  left: number,
  top: number,
  across: ArrayLike<number>,
  down: ArrayLike<number>,
  border: Border,
  out: Uint8ClampedArray,
  to: number,
): void {
  const { width, height, data } = pixels;
  let [r, g, b, alpha] = [0, 0, 0, 0];
  for (let j = 0; j < down.length; j++) {
    const row = inside(top + j, height, border);
    if (row < 0) continue;
    for (let i = 0; i < across.length; i++) {
      const column = inside(left + i, width, border);
      if (column < 0) continue;
      const [weight, at] = [across[i]! * down[j]!, (row * width + column) * 4];
      r += weight * data[at]!;
      g += weight * data[at + 1]!;
      b += weight * data[at + 2]!;
      alpha += weight * data[at + 3]!;
    }
  }
  out[to] = r;
  out[to + 1] = g;
  out[to + 2] = b;
  out[to + 3] = alpha;
}

const [ACROSS, DOWN] = [new Float32Array(4), new Float32Array(4)];

/** Weights of the four pixels about a place `x` behind the second, as OpenCV's INTER_CUBIC has them (A = -0.75), in `out`. */
export function cubicWeights(x: number, out: Float32Array): Float32Array {
  const A = -0.75;
  out[0] = ((A * (x + 1) - 5 * A) * (x + 1) + 8 * A) * (x + 1) - 4 * A;
  out[1] = ((A + 2) * x - (A + 3)) * x * x + 1;
  out[2] = ((A + 2) * (1 - x) - (A + 3)) * (1 - x) * (1 - x) + 1;
  out[3] = 1 - out[0]! - out[1]! - out[2]!;
  return out;
}

/**
 * Cuts out the crop that `transform` describes, as `sargan_hf.faces.alignment.crop_face`: an area filter where the face is
 * larger than the crop, cubic interpolation where it is smaller, and the picture mirrored in beyond its border.
 */
export function cropFace(pixels: Pixels, transform: Affine, size: number): Pixels {
  const ratio = 1 / scaleOf(transform);
  if (ratio <= 1) return onBackdrop(warp(pixels, transform, [size, size], "cubic", "mirror"));
  const [left, top, right, bottom] = surroundings(pixels, transform, size);
  const factor = Math.max(1, Math.floor(ratio / 2));
  const [width, height] = [Math.floor((right - left) / factor), Math.floor((bottom - top) / factor)];
  const isLarge = factor > 1; // such a window may be all of a large picture: it is averaged without a copy
  const window: Box = [left, top, left + width * factor, top + height * factor];
  const part = isLarge ? resizeByArea(pixels, width, height, window) : cut(pixels, ...window);
  let toPart = compose(transform, [1, 0, left, 0, 1, top]);
  if (isLarge) toPart = compose(toPart, [factor, 0, (factor - 1) / 2, 0, factor, (factor - 1) / 2]);
  const doubled = compose([2, 0, 0.5, 0, 2, 0.5], toPart);
  return onBackdrop(resizeByArea(warp(part, doubled, [2 * size, 2 * size], "linear", "mirror"), size, size));
}

/** The part of the picture that a crop looks at, at least one pixel large. */
function surroundings({ width, height }: Pixels, transform: Affine, size: number): [number, number, number, number] {
  const corners = cropCorners(transform, size);
  const spare = 2 / scaleOf(transform);
  const [xs, ys] = [corners.map((corner) => corner[0]), corners.map((corner) => corner[1])];
  const clip = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
  const left = clip(Math.floor(Math.min(...xs) - spare), 0, width - 1);
  const top = clip(Math.floor(Math.min(...ys) - spare), 0, height - 1);
  const right = clip(Math.ceil(Math.max(...xs) + spare), left + 1, width);
  const bottom = clip(Math.ceil(Math.max(...ys) + spare), top + 1, height);
  return [left, top, right, bottom];
}

/** RGB as planes of float32 in 0..255: [3, H, W]; `order` "BGR" turns the colours round. */
export function toPlanes(pixels: Pixels, order: "RGB" | "BGR", width = pixels.width, height = pixels.height): Float32Array {
  const planes = new Float32Array(3 * width * height);
  for (let c = 0; c < 3; c++) {
    const [plane, channel] = [c * width * height, order === "RGB" ? c : 2 - c];
    for (let y = 0; y < pixels.height; y++) {
      const [to, from] = [plane + y * width, y * pixels.width * 4 + channel];
      for (let x = 0; x < pixels.width; x++) planes[to + x] = pixels.data[from + 4 * x]!;
    }
  }
  return planes;
}
