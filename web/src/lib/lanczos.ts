import type { Pixels } from "./types";

const STEPS = 32; // places between two pixels, as OpenCV's tables have them
const TAPS = 8;

/**
 * Weights of the eight pixels about each of `STEPS` places, as OpenCV's INTER_LANCZOS4 has them: in single precision, stored
 * in double, as each is read some hundred thousand times.
 */
export const LANCZOS: readonly Float64Array[] = Array.from({ length: STEPS }, (_, step) => Float64Array.from(lanczosWeights(step / STEPS)));

function lanczosWeights(x: number): Float32Array {
  const weights = new Float32Array(TAPS);
  if (x < 1e-7) {
    weights[3] = 1;
    return weights;
  }
  const half = Math.SQRT1_2;
  const turns = [[1, 0], [-half, -half], [0, 1], [half, -half], [-1, 0], [half, half], [0, -1], [-half, half]] as const;
  const y0 = -(x + 3) * Math.PI * 0.25;
  const [sin, cos] = [Math.sin(y0), Math.cos(y0)];
  let sum = 0;
  for (let i = 0; i < TAPS; i++) {
    const y = -(x + 3 - i) * Math.PI * 0.25;
    weights[i] = (turns[i]![0] * sin + turns[i]![1] * cos) / (y * y);
    sum += weights[i]!;
  }
  return weights.map((weight) => weight / sum);
}

/** The colour at (x, y), rounded to whole levels as OpenCV does, into `out` at `to`; borders are carried on. */
export function fetchLanczos({ width, height, data }: Pixels, x: number, y: number, out: Float32Array, to: number): void {
  const stepX = Math.round(x * STEPS);
  const stepY = Math.round(y * STEPS);
  const column = Math.floor(stepX / STEPS);
  const row = Math.floor(stepY / STEPS);
  const offX = stepX - column * STEPS;
  const offY = stepY - row * STEPS;
  const isInside = column >= 3 && row >= 3 && column + 4 < width && row + 4 < height;
  if (offX === 0 && offY === 0) {
    const at = (clamp(row, height) * width + clamp(column, width)) * 4;
    out[to] = data[at]!;
    out[to + 1] = data[at + 1]!;
    out[to + 2] = data[at + 2]!;
    return;
  }
  if (isInside && offX === 0) fetchLine(data, ((row - 3) * width + column) * 4, 4 * width, LANCZOS[offY]!, out, to);
  else if (isInside && offY === 0) fetchLine(data, (row * width + column - 3) * 4, 4, LANCZOS[offX]!, out, to);
  else if (isInside) fetchInside(data, (((row - 3) * width + column - 3) * 4) | 0, 4 * width, LANCZOS[offX]!, LANCZOS[offY]!, out, to);
  else fetchAtBorder({ width, height, data }, column, row, LANCZOS[offX]!, LANCZOS[offY]!, out, to);
}

/** The sum over eight pixels from `at` on, `stride` apart: of a place between two pixels of a row or a column. */
function fetchLine(data: Uint8ClampedArray, at: number, stride: number, weights: Float64Array, out: Float32Array, to: number): void {
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    for (let j = 0, i = at + channel; j < TAPS; j++, i += stride) sum += weights[j]! * data[i]!;
    out[to + channel] = level(sum);
  }
}

/** The sum over the eight by eight pixels from `at` on. Written out, as this is most of the work on a face: loops take longer. */
function fetchInside(
  data: Uint8ClampedArray,
  at: number,
  stride: number,
  across: Float64Array,
  down: Float64Array,
  out: Float32Array,
  to: number,
): void {
  const a = across[0]!;
  const b = across[1]!;
  const c = across[2]!;
  const d = across[3]!;
  const e = across[4]!;
  const f = across[5]!;
  const g = across[6]!;
  const h = across[7]!;
  for (let channel = 0; channel < 3; channel++) {
    let i = (at + channel) | 0;
    let sum = 0;
    for (let j = 0; j < TAPS; j++) {
      const left = a * data[i]! + b * data[i + 4]! + c * data[i + 8]! + d * data[i + 12]!;
      sum += down[j]! * (left + e * data[i + 16]! + f * data[i + 20]! + g * data[i + 24]! + h * data[i + 28]!);
      i = (i + stride) | 0;
    }
    out[to + channel] = level(sum);
  }
}

function fetchAtBorder(
  { width, height, data }: Pixels,
  column: number,
  row: number,
  across: Float64Array,
  down: Float64Array,
  out: Float32Array,
  to: number,
): void {
  let r = 0;
  let g = 0;
  let b = 0;
  for (let j = 0; j < TAPS; j++) {
    const start = clamp(row - 3 + j, height) * width;
    let lineR = 0;
    let lineG = 0;
    let lineB = 0;
    for (let i = 0; i < TAPS; i++) {
      const at = (start + clamp(column - 3 + i, width)) * 4;
      const weight = across[i]!;
      lineR += weight * data[at]!;
      lineG += weight * data[at + 1]!;
      lineB += weight * data[at + 2]!;
    }
    const weight = down[j]!;
    r += weight * lineR;
    g += weight * lineG;
    b += weight * lineB;
  }
  out[to] = level(r);
  out[to + 1] = level(g);
  out[to + 2] = level(b);
}

/**
 * Gives back what interpolation between pixels takes from detail: the colour at (x, y) of `warped` [height, width, 3] less a
 * share `amount` of its Laplacian, mirrored in beyond the border, into `out`.
 */
export function sharpen(
  warped: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
  amount: number,
  out: Float32Array,
): void {
  const above = 3 * (beside(y - 1, height) * width + x);
  const below = 3 * (beside(y + 1, height) * width + x);
  const left = 3 * (y * width + beside(x - 1, width));
  const right = 3 * (y * width + beside(x + 1, width));
  const at = 3 * (y * width + x);
  for (let c = 0; c < 3; c++) {
    const own = warped[at + c]!;
    const around = warped[left + c]! + warped[right + c]! + warped[above + c]! + warped[below + c]!;
    out[c] = own - amount * (around - 4 * own);
  }
}

function beside(at: number, length: number): number {
  return length === 1 ? 0 : at < 0 ? 1 : at >= length ? length - 2 : at;
}

function level(value: number): number {
  return Math.min(Math.max(Math.round(value), 0), 255);
}

function clamp(at: number, length: number): number {
  return at < 0 ? 0 : at >= length ? length - 1 : at;
}
