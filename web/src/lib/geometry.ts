import { ConfigurationError } from "./errors";
import type { Manifest, Point } from "./types";

/** [a, b, c, d, e, f]: x' = a x + b y + c, y' = d x + e y + f. Pixel centres have whole coordinates, as in OpenCV. */
export type Affine = readonly [number, number, number, number, number, number];

export const IDENTITY: Affine = [1, 0, 0, 0, 1, 0];

/** The map that does `second` after `first`. */
export function compose(second: Affine, first: Affine): Affine {
  const [a, b, c, d, e, f] = second;
  const [g, h, i, j, k, l] = first;
  return [a * g + b * j, a * h + b * k, a * i + b * l + c, d * g + e * j, d * h + e * k, d * i + e * l + f];
}

export function invert([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * e - b * d;
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [ia, ib, -(ia * c + ib * f), id, ie, -(id * c + ie * f)];
}

export function mapPoint([a, b, c, d, e, f]: Affine, [x, y]: Point): Point {
  return [a * x + b * y + c, d * x + e * y + f];
}

/** New pixels per old pixel of a similarity. */
export function scaleOf([a, b, , d, e]: Affine): number {
  return Math.sqrt(Math.abs(a * e - b * d));
}

/** Smallest and largest x and y of points: left, top, right, bottom. */
export function boundsOf(points: readonly Point[]): [number, number, number, number] {
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

export function mean(points: readonly Point[]): Point {
  let [x, y] = [0, 0];
  for (const point of points) {
    x += point[0] / points.length;
    y += point[1] / points.length;
  }
  return [x, y];
}

/** The corners of a crop in picture pixels: top left, top right, bottom right, bottom left. */
export function cropCorners(transform: Affine, size: number): Point[] {
  const back = invert(transform);
  const [low, high] = [-0.5, size - 0.5];
  return ([[low, low], [high, low], [high, high], [low, high]] as Point[]).map((corner) => mapPoint(back, corner));
}

/** The similarity that maps picture pixels to the canonical crop; see `sargan_hf.faces.alignment.canonical_transform`. */
export function canonicalTransform(points: readonly Point[], size: number, shared: Manifest, margin = 0): Affine {
  checkPoints(points);
  const eyes = mean(points.slice(0, 2));
  const mouth = mean(points.slice(3));
  const across: Point = [points[1]![0] - points[0]![0], points[1]![1] - points[0]![1]];
  const byEyes = shared.eyeDistance / Math.hypot(...across);
  const byMouth = shared.eyesToMouth / Math.hypot(mouth[0] - eyes[0], mouth[1] - eyes[1]);
  const scale = (((byEyes + byMouth) / 2) * size) / (1 + 2 * margin);
  const angle = Math.atan2(across[1], across[0]);
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const centre = shared.eyesCentre.map((value) => ((value + margin) / (1 + 2 * margin)) * size - 0.5) as [number, number];
  return [cos, sin, centre[0] - (cos * eyes[0] + sin * eyes[1]), -sin, cos, centre[1] - (-sin * eyes[0] + cos * eyes[1])];
}

/** From picture pixels to a mouth patch of `mouth.size` pixels; see `sargan_hf.editing.mouth_refiner.mouth_transform`. */
export function mouthTransform(transform: Affine, side: number, mouth: NonNullable<Manifest["mouth"]>): Affine {
  const scale = mouth.size / (mouth.side * side);
  const corner = mouth.centre.map((value) => (value - mouth.side / 2) * side - 0.5) as [number, number];
  return compose([scale, 0, -(scale * corner[0] + 0.5), 0, scale, -(scale * corner[1] + 0.5)], transform);
}

/** @throws ConfigurationError where five points cannot be a face. */
export function checkPoints(points: readonly Point[]): void {
  const flat = points.flat();
  if (points.length !== 5 || flat.length !== 10 || !flat.every(Number.isFinite)) {
    throw new ConfigurationError(
      "A face needs five finite points (x, y): right eye, left eye, nose tip, right and left corner of the mouth; " +
        `got ${JSON.stringify(points)}.`,
    );
  }
  const eyes = mean(points.slice(0, 2));
  const mouth = mean(points.slice(3));
  const across = Math.hypot(points[1]![0] - points[0]![0], points[1]![1] - points[0]![1]);
  if (across < 2 || Math.hypot(mouth[0] - eyes[0], mouth[1] - eyes[1]) < 2) {
    throw new ConfigurationError("The two eyes, or the eyes and the mouth, lie in one place: they must be 2 pixels apart.");
  }
}
