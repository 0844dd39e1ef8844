import { ConfigurationError, NoFaceError } from "./errors";
import { equalise } from "./equalise";
import { boundsOf, canonicalTransform, checkPoints, compose, cropCorners, invert, mapPoint, mean, type Affine } from "./geometry";
import { cropFace, mirror, resizeByArea, resizeLinearly, warp } from "./pixels";
import type { Box, Face, Look, Manifest, Pixels, Point } from "./types";
import { detect, type RunFaces } from "./yunet";

const LEAST_SIDE = 8; // pixels of a box given by hand

/** Finds faces as `sargan_hf.faces.detection.FaceDetector` does; what it looks at stands in the manifest. */
export class FaceDetector {
  constructor(
    private readonly run: RunFaces,
    private readonly shared: Manifest,
  ) {}

  /** All faces of an opaque picture, the largest first; with `every`, small faces are searched at higher resolutions too. */
  async find(picture: Pixels, every: boolean, name: string): Promise<Face[]> {
    const tried: string[] = [];
    const found: Face[] = [];
    for (const [index, look] of this.shared.detector.looks.entries()) {
      if (found.length && !(every && this.isWorthwhile(index, found, Math.max(picture.width, picture.height)))) continue;
      tried.push(look.name);
      for (const face of await this.look(picture, look)) {
        if (!isKnown(face, found)) found.push({ ...face, tried: [...tried] });
      }
    }
    if (!found.length) {
      throw new NoFaceError(
        `No face was found in ${name} (tried: ${tried.join(", ")}). Say where it is: box [left, top, right, bottom] in ` +
          "pixels, or points: the two eyes, nose tip and corners of the mouth.",
      );
    }
    const refined: Face[] = [];
    for (const face of found) refined.push(await this.refined(picture, face, 0.5));
    return refined.sort((one, other) => area(other.box) - area(one.box));
  }

  /** The face in a box given by hand: the detector's points where it sees a face there, else the usual places. */
  async inBox(picture: Pixels, box: Box): Promise<Face> {
    checkBox(box, picture);
    const [width, height] = [box[2] - box[0], box[3] - box[1]];
    const points = this.shared.detector.pointsInBox.map(([x, y]): Point => [box[0] + x * width, box[1] + y * height]);
    const seen = await this.refined(picture, { box, points, score: 1, tried: ["box given by hand"] }, 0.3);
    return { ...seen, box, score: 1 };
  }

  /** A face from five points given by hand. */
  fromPoints(points: readonly Point[], { width, height }: Pixels): Face {
    checkPoints(points);
    const [x, y] = mean(points);
    if (!(x >= 0 && x < width && y >= 0 && y < height)) {
      throw new NoFaceError(`The points given lie outside the picture of ${width} x ${height} pixels.`);
    }
    const box = boundsOf(cropCorners(canonicalTransform(points, 100, this.shared, -0.17), 100));
    return { box, points, score: 1, tried: ["points given by hand"] };
  }

  /** The face that had these points in the frame before; undefined where it is gone. */
  async follow(picture: Pixels, points: readonly Point[]): Promise<Face | undefined> {
    const seen = await this.closer(picture, points, 0.5);
    if (seen.score === 0) return undefined;
    return { ...this.fromPoints(seen.points, picture), score: seen.score, tried: ["where it was before"] };
  }

  private isWorthwhile(index: number, found: readonly Face[], longerSide: number): boolean {
    const { everyFace, crowdLook, crowdFace } = this.shared.detector;
    const smallest = Math.min(...found.map(({ box }) => box[3] - box[1]));
    return everyFace.includes(index) || (index === crowdLook && smallest < crowdFace * longerSide);
  }

  private async look(picture: Pixels, look: Look): Promise<Omit<Face, "tried">[]> {
    const scale = Math.min(look.side / Math.max(picture.width, picture.height), 2);
    const size = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale))) as [number, number];
    let small = (scale < 1 ? resizeByArea : resizeLinearly)(picture, ...size);
    if (look.equalised) small = equalise(small);
    const [canvas, toCanvas] = arranged(small, look);
    const back = invert(toCanvas);
    const actual = [small.width / picture.width, small.height / picture.height] as const;
    const toPicture = (point: Point): Point => {
      const [x, y] = mapPoint(back, point);
      return [(x + 0.5) / actual[0] - 0.5, (y + 0.5) / actual[1] - 0.5];
    };
    return (await detect(this.run, canvas, look.threshold)).map(({ box, points, score }) => {
      const marks = points.map(toPicture);
      const corners = ([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]] as Point[]).map(toPicture);
      return { box: boundsOf(corners), points: look.mirrored ? this.swapped(marks) : marks, score };
    });
  }

  /** Points of the mirror image in the order of the picture itself. */
  private swapped(points: readonly Point[]): Point[] {
    return this.shared.detector.mirroredPoints.map((index) => points[index]!);
  }

  /** The same face with its points found again in close-ups, turned by quarters where an upright one does not convince. */
  private async refined(picture: Pixels, face: Face, threshold: number): Promise<Face> {
    let best = await this.closer(picture, face.points, threshold);
    if (best.score < this.shared.detector.convincing) {
      const middle: Point = [(face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2];
      const before = best.score;
      let turned = { score: -1, points: face.points };
      for (const quarters of [1, 2, 3]) {
        const next = await this.closer(picture, quarterTurned(face.points, middle, quarters), threshold);
        if (next.score > turned.score) turned = next;
      }
      if (turned.score > before + 0.03) best = turned;
    }
    if (best.score === 0) return face;
    const { convincing, steady } = this.shared.detector;
    if (best.score >= convincing && this.correction(face.points, best.points) < steady) return { ...face, points: best.points };
    const again = await this.closer(picture, best.points, threshold);
    return { ...face, points: again.score > 0 ? again.points : best.points };
  }

  /** How far the canonical crop of the points `after` turns and scales that of `before`: 0 where it does not. */
  private correction(before: readonly Point[], after: readonly Point[]): number {
    const side = this.shared.detector.closeupSide;
    const [old, moved] = [before, after].map((points) => canonicalTransform(points, side, this.shared));
    const [a, b, , c, d] = compose(moved!, invert(old!));
    return Math.max(Math.abs(a - 1), Math.abs(b), Math.abs(c), Math.abs(d - 1));
  }

  /** Score and points of a face in a close-up that `points` make upright; score 0 if there is none. */
  private async closer(picture: Pixels, points: readonly Point[], threshold: number): Promise<{ score: number; points: readonly Point[] }> {
    const side = this.shared.detector.closeupSide;
    const toCloseup = canonicalTransform(points, side, this.shared, 0.25);
    const closeup = cropFace(picture, toCloseup, side);
    const seen = await this.central(closeup, threshold);
    const mirrored = seen && (await this.central(mirror(closeup), threshold));
    if (!seen || !mirrored) return { score: 0, points };
    const flipped = this.swapped(mirrored.points).map(([x, y]): Point => [side - 1 - x, y]);
    const back = invert(toCloseup);
    const both = seen.points.map((point, n) => mapPoint(back, mean([point, flipped[n]!])));
    return { score: (seen.score + mirrored.score) / 2, points: both };
  }

  /** The most certain face in the middle of a square picture. */
  private async central(closeup: Pixels, threshold: number) {
    const middle = (closeup.width - 1) / 2;
    const seen = (await detect(this.run, closeup, threshold)).filter(({ points }) => {
      const [x, y] = mean(points);
      return Math.hypot(x - middle, y - middle) < 0.2 * closeup.width;
    });
    return seen[0];
  }
}

/** The picture turned, mirrored and bordered as `look` says, and the map from its pixels to the canvas. */
function arranged(picture: Pixels, look: Look): [Pixels, Affine] {
  const angle = (look.angle * Math.PI) / 180;
  const [cos, sin, flip] = [Math.cos(angle), Math.sin(angle), look.mirrored ? -1 : 1];
  const { width, height } = picture;
  const size = [
    Math.round(Math.abs(cos) * width + Math.abs(sin) * height) + 2 * look.border,
    Math.round(Math.abs(sin) * width + Math.abs(cos) * height) + 2 * look.border,
  ] as const;
  const turn: Affine = [flip * cos, -flip * sin, (size[0] - 1) / 2, sin, cos, (size[1] - 1) / 2];
  const matrix = compose(turn, [1, 0, -(width - 1) / 2, 0, 1, -(height - 1) / 2]);
  if (!look.border && !look.angle && !look.mirrored) return [picture, matrix];
  return [warp(picture, matrix, size, "linear", "black"), matrix];
}

function quarterTurned(points: readonly Point[], middle: Point, quarters: number): Point[] {
  let turned = points.map(([x, y]): Point => [x - middle[0], y - middle[1]]);
  for (let n = 0; n < quarters; n++) turned = turned.map(([x, y]): Point => [-y, x]);
  return turned.map(([x, y]): Point => [x + middle[0], y + middle[1]]);
}

function isKnown(face: { points: readonly Point[] }, found: readonly Face[]): boolean {
  const [x, y] = face.points[2]!;
  return found.some(({ box: [left, top, right, bottom] }) => left <= x && x <= right && top <= y && y <= bottom);
}

function area(box: Box): number {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

function checkBox(box: Box, { width, height }: Pixels): void {
  const [left, top, right, bottom] = box;
  if (box.length !== 4 || !box.every(Number.isFinite) || right - left < LEAST_SIDE || bottom - top < LEAST_SIDE) {
    throw new ConfigurationError(
      `A box is [left, top, right, bottom] in pixels, at least ${LEAST_SIDE} wide and high; got ${JSON.stringify(box)}.`,
    );
  }
  const seenWidth = Math.max(0, Math.min(right, width) - Math.max(left, 0));
  const seenHeight = Math.max(0, Math.min(bottom, height) - Math.max(top, 0));
  if (seenWidth * seenHeight < 0.25 * (right - left) * (bottom - top)) {
    throw new NoFaceError(`The box [${box.join(", ")}] lies outside the picture of ${width} x ${height} pixels.`);
  }
}
