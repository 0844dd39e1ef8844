import type { Box, Pixels, Point } from "./types";
import { toPlanes } from "./pixels";

/** What YuNet says about one face, in pixels of the picture it was shown. */
export interface Seen {
  box: Box;
  points: Point[];
  score: number;
}

/** Runs the network: planes [1, 3, height, width] in BGR order, 0..255 -> its twelve outputs by name. */
export type RunFaces = (planes: Float32Array, width: number, height: number) => Promise<Record<string, Float32Array>>;

const STRIDES = [8, 16, 32];
const MULTIPLE = 32; // of which both sides of the network's input must be
const MOST_OVERLAP = 0.3; // of two boxes that are two faces
const MOST_FACES = 5000;

/** Faces in a picture, the most certain first, as `cv2.FaceDetectorYN.detect` finds them. */
export async function detect(run: RunFaces, pixels: Pixels, threshold: number): Promise<Seen[]> {
  const [width, height] = [pixels.width, pixels.height].map((side) => Math.ceil(side / MULTIPLE) * MULTIPLE) as [number, number];
  const outputs = await run(toPlanes(pixels, "BGR", width, height), width, height);
  const seen = STRIDES.flatMap((stride) => decode(outputs, stride, width / stride, height / stride, threshold));
  return withoutOverlaps(seen.sort((one, other) => other.score - one.score).slice(0, MOST_FACES));
}

function decode(outputs: Record<string, Float32Array>, stride: number, columns: number, rows: number, threshold: number): Seen[] {
  const [classes, objects, boxes, points] = ["cls", "obj", "bbox", "kps"].map((kind) => outputs[`${kind}_${stride}`]!) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const found: Seen[] = [];
  for (let place = 0; place < columns * rows; place++) {
    const score = Math.sqrt(clamp(classes[place]!) * clamp(objects[place]!));
    if (score < threshold) continue;
    const [column, row] = [place % columns, Math.floor(place / columns)];
    const box = boxes.subarray(4 * place, 4 * place + 4);
    const [x, y] = [(column + box[0]!) * stride, (row + box[1]!) * stride];
    const [w, h] = [Math.exp(box[2]!) * stride, Math.exp(box[3]!) * stride];
    const marks = Array.from({ length: 5 }, (_, n): Point => [
      (points[10 * place + 2 * n]! + column) * stride,
      (points[10 * place + 2 * n + 1]! + row) * stride,
    ]);
    found.push({ box: [x - w / 2, y - h / 2, x + w / 2, y + h / 2], points: marks, score });
  }
  return found;
}

function withoutOverlaps(seen: Seen[]): Seen[] {
  const kept: { face: Seen; box: Box }[] = [];
  for (const face of seen) {
    const box = wholePixels(face.box);
    if (kept.every((other) => overlap(other.box, box) <= MOST_OVERLAP)) kept.push({ face, box });
  }
  return kept.map(({ face }) => face);
}

/** OpenCV compares boxes of whole pixels. */
function wholePixels([left, top, right, bottom]: Box): Box {
  const [x, y] = [Math.trunc(left), Math.trunc(top)];
  return [x, y, x + Math.trunc(right - left), y + Math.trunc(bottom - top)];
}

function overlap(one: Box, other: Box): number {
  const width = Math.max(0, Math.min(one[2], other[2]) - Math.max(one[0], other[0]));
  const height = Math.max(0, Math.min(one[3], other[3]) - Math.max(one[1], other[1]));
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  const both = width * height;
  return both === 0 ? 0 : both / (area(one) + area(other) - both);
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}
