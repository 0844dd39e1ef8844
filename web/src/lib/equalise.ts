import { emptyPixels } from "./pixels";
import type { Pixels } from "./types";

const TILES = 4;
const CLIP_LIMIT = 4;

/** The lightness with its contrast raised tile by tile, as `cv2.createCLAHE(clipLimit=4, tileGridSize=(4, 4))`, as grey RGB. */
export function equalise(pixels: Pixels): Pixels {
  const grey = lightness(pixels);
  // Tiles of one size: what is missing at the right and at the bottom is mirrored in.
  const width = Math.ceil(pixels.width / TILES) * TILES;
  const height = Math.ceil(pixels.height / TILES) * TILES;
  const padded = width === pixels.width && height === pixels.height ? { width, height } : widened(pixels);
  const [tileWidth, tileHeight] = [padded.width / TILES, padded.height / TILES];
  const tables = Array.from({ length: TILES * TILES }, (_, tile) =>
    table(grey, pixels, [(tile % TILES) * tileWidth, Math.floor(tile / TILES) * tileHeight], [tileWidth, tileHeight]),
  );
  const result = emptyPixels(pixels.width, pixels.height);
  for (let y = 0; y < pixels.height; y++) {
    const [above, below, down] = neighbours(y / tileHeight - 0.5);
    for (let x = 0; x < pixels.width; x++) {
      const [left, right, across] = neighbours(x / tileWidth - 0.5);
      const value = grey[y * pixels.width + x]!;
      const of = (row: number, column: number) => tables[row * TILES + column]![value]!;
      const upper = of(above, left) * (1 - across) + of(above, right) * across;
      const lower = of(below, left) * (1 - across) + of(below, right) * across;
      const at = (y * pixels.width + x) * 4;
      const light = Math.round(upper * (1 - down) + lower * down);
      result.data.set([light, light, light, 255], at);
    }
  }
  return result;
}

/** OpenCV pads both sides as soon as one does not divide: by a whole tile row or column where it does. */
function widened({ width, height }: Pixels): { width: number; height: number } {
  return { width: width + TILES - (width % TILES), height: height + TILES - (height % TILES) };
}

function neighbours(place: number): [number, number, number] {
  const first = Math.floor(place);
  const clip = (index: number) => Math.min(Math.max(index, 0), TILES - 1);
  return [clip(first), clip(first + 1), place - first];
}

/** What each of 256 levels becomes in one tile. */
function table(
  grey: Uint8Array,
  { width, height }: Pixels,
  [left, top]: readonly [number, number],
  [tileWidth, tileHeight]: readonly [number, number],
): Uint8ClampedArray {
  const histogram = new Int32Array(256);
  const mirrored = (at: number, length: number) => (at < length ? at : 2 * (length - 1) - at);
  for (let y = top; y < top + tileHeight; y++) {
    const row = mirrored(y, height) * width;
    for (let x = left; x < left + tileWidth; x++) histogram[grey[row + mirrored(x, width)]!]!++;
  }
  const total = tileWidth * tileHeight;
  clip(histogram, Math.max(Math.trunc((CLIP_LIMIT * total) / 256), 1));
  const levels = new Uint8ClampedArray(256);
  let sum = 0;
  for (let level = 0; level < 256; level++) {
    sum += histogram[level]!;
    levels[level] = (sum * 255) / total;
  }
  return levels;
}

/** Cuts what is above the limit off and spreads it over all levels. */
function clip(histogram: Int32Array, limit: number): void {
  let clipped = 0;
  for (let level = 0; level < 256; level++) {
    clipped += Math.max(0, histogram[level]! - limit);
    histogram[level] = Math.min(histogram[level]!, limit);
  }
  const share = Math.floor(clipped / 256);
  let rest = clipped - share * 256;
  for (let level = 0; level < 256; level++) histogram[level]! += share;
  const step = rest ? Math.max(Math.floor(256 / rest), 1) : 1;
  for (let level = 0; level < 256 && rest > 0; level += step, rest--) histogram[level]!++;
}

/** Rec. 601 luma in whole levels, with OpenCV's factors. */
function lightness({ width, height, data }: Pixels): Uint8Array {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = (9798 * data[4 * i]! + 19235 * data[4 * i + 1]! + 3735 * data[4 * i + 2]! + 16384) >> 15;
  }
  return grey;
}
