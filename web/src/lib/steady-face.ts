import type { Point } from "./types";

const STILL = 0.08; // of the distance of the eyes: a face that moves as far from frame to frame is followed at once
const LEAST_SHARE = 0.2; // of a frame in what is shown while the face is still

/** Keeps the points of a face from trembling from frame to frame, and lets them follow where it moves. */
export class SteadyFace {
  private last?: readonly Point[];

  /** The points to edit with, for those that were found in the next frame. */
  next(points: readonly Point[]): readonly Point[] {
    const before = this.last;
    if (!before) return (this.last = points);
    const size = distance(points[0]!, points[1]!);
    const moved = points.reduce((sum, point, n) => sum + distance(point, before[n]!), 0) / points.length;
    const share = Math.min(1, Math.max(LEAST_SHARE, moved / (STILL * size)));
    this.last = points.map(([x, y], n): Point => {
      const [oldX, oldY] = before[n]!;
      return [oldX + share * (x - oldX), oldY + share * (y - oldY)];
    });
    return this.last;
  }

  /** The next face is another one. */
  forget(): void {
    this.last = undefined;
  }
}

function distance([x, y]: Point, [otherX, otherY]: Point): number {
  return Math.hypot(x - otherX, y - otherY);
}
