import { describe, expect, test } from "vitest";
import { applyChange, layerEdge, levelSet } from "../src/lib/apply";
import type { Affine } from "../src/lib/geometry";
import type { Manifest } from "../src/lib/types";
import { difference, fixtures, unpacked, unpackedField } from "./fixtures";

const python = fixtures();
const { apply } = python.manifest as Manifest;

describe("a change in the picture's pixels is Python's", () => {
  const shared = { ...python.manifest, sampleSize: python.applied.side, spread: python.applied.spread } as Manifest;

  test.each(python.applied.cases as any[])("$fields, a face of $width pixels", ({ fields, transform, region, pixels, edited }) => {
    const got = unpacked(pixels);
    expect(applyChange(got, transform as Affine, unpackedField(python.applied.fields[fields]), shared)).toEqual(region);
    expect(difference(got, unpacked(pixels)).mean).toBeGreaterThan(3); // it does something
    const apart = difference(got, unpacked(edited));
    expect(apart.largest).toBeLessThanOrEqual(2);
    expect(apart.mean).toBeLessThan(0.01);
  });

  test.each([110, 40, 12, 5])("the layer shows on a face of %i pixels", (width) => {
    const [plain, layered] = (python.applied.cases as any[]).filter((one) => one.width === width).map(({ edited }) => unpacked(edited));
    expect(difference(plain!, layered!).mean).toBeGreaterThan(1);
  });
});

describe("the edge of an occlusion layer", () => {
  test("is as wide as the crop's where the face is small, and some pixels of the picture where it is large", () => {
    expect(layerEdge(0.5, apply)).toBe(1);
    expect(layerEdge(1, apply)).toBe(1);
    expect(layerEdge(2, apply)).toBeCloseTo(0.5);
    expect(layerEdge(100, apply)).toBe(apply.layerSharpest);
  });

  test("is cut at one half", () => {
    expect([0, 0.3, 0.5, 0.6, 1].map((occlusion) => levelSet(occlusion, 0.4))).toEqual([0, 0, 0.5, 0.75, 1].map((value) => expect.closeTo(value)));
    expect(levelSet(0.3, 1)).toBeCloseTo(0.3);
  });
});
