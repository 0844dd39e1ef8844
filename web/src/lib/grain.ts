import { invert, mapPoint, scaleOf, type Affine } from "./geometry";
import { cut, inside } from "./pixels";
import type { Manifest, Pixels } from "./types";

/** The picture's own grain, `sargan_hf.editing.grain` says what for: brightness to add, [side, side], repeated over the picture. */
export interface Grain {
  side: number;
  tile: Float32Array;
}

interface Square {
  left: number;
  top: number;
  detail: Float32Array;
  strength: number;
}

/** The grain of a face; null where the face is too small, no cheek is within the picture, or one is smooth. */
export function grainOf(pixels: Pixels, transform: Affine, { sampleSize, grain }: Manifest): Grain | null {
  const pixel = 1 / scaleOf(transform); // of the crop, in pixels of the picture
  const side = Math.min(grain.most, Math.floor((grain.square * sampleSize * pixel) / grain.step) * grain.step);
  if (side < grain.least) return null;
  const found = grain.cheeks.flatMap(([x, y]): Square[] => {
    const [middleX, middleY] = mapPoint(invert(transform), [x * sampleSize - 0.5, y * sampleSize - 0.5]);
    const [left, top] = [Math.floor(middleX - side / 2), Math.floor(middleY - side / 2)];
    if (left < 0 || top < 0 || left + side > pixels.width || top + side > pixels.height) return [];
    const detail = detailOf(cut(pixels, left, top, left + side, top + side), grain.fine * pixel, grain);
    return [{ left, top, detail, strength: detail.reduce((sum, value) => sum + Math.abs(value), 0) / detail.length }];
  });
  const [least] = found.sort((one, other) => one.strength - other.strength);
  if (!least || least.strength < grain.faint) return null;
  const { detail, left, top } = least;
  return { side, tile: spots(detail, side, left, top, grain) };
}

/** Adds grain to the colour of the pixel at (x, y) that is `painted` by a network, in levels of 255; see `Grain.add` of Python. */
export function addGrain(colour: Float32Array, painted: number, x: number, y: number, { side, tile }: Grain, { dark, luma }: Manifest["grain"]): void {
  const light = (luma[0]! * colour[0]! + luma[1]! * colour[1]! + luma[2]! * colour[2]!) / 255;
  const tone = dark + (1 - dark) * Math.min(Math.max(light, 0), 1);
  const more = painted * tone * tile[(y % side) * side + (x % side)]!;
  for (let c = 0; c < 3; c++) colour[c] = colour[c]! + more;
}

/** What a square holds that is finer than `sigma` pixels; 0 at hairs and wrinkles. */
function detailOf({ width: side, data }: Pixels, sigma: number, { outlier, looks, luma }: Manifest["grain"]): Float32Array {
  const light = new Float32Array(side * side);
  for (let at = 0; at < light.length; at++) {
    light[at] = luma[0]! * data[4 * at]! + luma[1]! * data[4 * at + 1]! + luma[2]! * data[4 * at + 2]!;
  }
  const kernel = gaussian(sigma);
  const kept = new Float32Array(light.length).fill(1);
  const detail = new Float32Array(light.length);
  for (let look = 0; look < looks; look++) {
    const blurred = blur(light.map((value, at) => value * kept[at]!), side, kernel);
    const share = blur(kept, side, kernel);
    for (let at = 0; at < detail.length; at++) detail[at] = light[at]! - blurred[at]! / Math.max(share[at]!, 0.01);
    const limit = outlier * middleOf(detail.map(Math.abs));
    for (let at = 0; at < detail.length; at++) kept[at] = Math.abs(detail[at]!) < limit ? 1 : 0;
  }
  return detail.map((value, at) => value * kept[at]!);
}

/** A seamless tile of shifted copies of `detail`; a pixel of the picture finds its own place by the rest of a division. */
function spots(detail: Float32Array, side: number, left: number, top: number, grain: Manifest["grain"]): Float32Array {
  const ramp = Float64Array.from({ length: side }, (_, at) => Math.sin((Math.PI * (at + 0.5)) / side));
  const total = new Float64Array(detail.length);
  const power = new Float64Array(detail.length);
  for (const [shiftX, shiftY, sign] of grain.spots) {
    const [right, down] = [left + Math.floor(shiftX * side), top + Math.floor(shiftY * side)];
    for (let y = 0, from = 0; y < side; y++) {
      for (let x = 0; x < side; x++, from++) {
        const to = ((y + down) % side) * side + ((x + right) % side);
        const window = ramp[y]! * ramp[x]!;
        total[to] = total[to]! + sign * window * detail[from]!;
        power[to] = power[to]! + window ** 2;
      }
    }
  }
  return Float32Array.from(total, (sum, at) => sum / Math.sqrt(Math.max(power[at]!, 0.25)));
}

/** As long as OpenCV makes it for float32. */
function gaussian(sigma: number): Float64Array {
  const reach = Math.round(8 * sigma + 1) >> 1;
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, at) => Math.exp(-((at - reach) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function blur(values: Float32Array, side: number, kernel: Float64Array): Float32Array {
  return turnedBlur(turnedBlur(values, side, kernel), side, kernel);
}

/** Blurred along rows, which come out as columns: done twice, it blurs both ways. */
function turnedBlur(values: Float32Array, side: number, kernel: Float64Array): Float32Array {
  const reach = kernel.length >> 1;
  const from = Array.from({ length: side + 2 * reach }, (_, at) => inside(at - reach, side, "mirror"));
  const line = new Float64Array(from.length);
  const turned = new Float32Array(values.length);
  for (let y = 0; y < side; y++) {
    for (let at = 0; at < line.length; at++) line[at] = values[y * side + from[at]!]!;
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let at = 0; at < kernel.length; at++) sum += kernel[at]! * line[x + at]!;
      turned[x * side + y] = sum;
    }
  }
  return turned;
}

/** The median of an even number of values. */
function middleOf(values: Float32Array): number {
  const half = values.sort().length / 2;
  return (values[half - 1]! + values[half]!) / 2;
}
