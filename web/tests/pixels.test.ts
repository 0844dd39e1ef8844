import { describe, expect, test } from "vitest";
import { equalise } from "../src/lib/equalise";
import type { Affine } from "../src/lib/geometry";
import { fetchLanczos } from "../src/lib/lanczos";
import { cropFace, isOpaque, onBackdrop, resizeByArea, resizeLinearly } from "../src/lib/pixels";
import { difference, fixtures, unpacked } from "./fixtures";

const python = fixtures();
const photograph = unpacked(python.photograph);
const small = unpacked(python.small);

describe("pixels are OpenCV's", () => {
  test("reduced by area", () => {
    const apart = difference(resizeByArea(photograph, 240, 281), small);
    expect(apart.largest).toBeLessThanOrEqual(1);
    expect(apart.mean).toBeLessThan(0.00005);
  });

  test("enlarged linearly", () => {
    expect(difference(resizeLinearly(small, 480, 562), unpacked(python.larger)).largest).toBeLessThanOrEqual(1);
  });

  test("with more contrast", () => {
    const apart = difference(equalise(small), unpacked(python.equalised));
    expect(apart.largest).toBeLessThanOrEqual(1);
    expect(apart.mean).toBeLessThan(0.05);
  });

  test.each(["halved", "reduced", "enlarged", "over_the_border"])("crop %s", (name) => {
    const { transform, size, pixels } = python.crops[name];
    const apart = difference(cropFace(photograph, transform as unknown as Affine, size), unpacked(pixels));
    expect(apart.largest).toBeLessThanOrEqual(2);
    expect(apart.mean).toBeLessThan(0.05);
  });

  test("transparency lies on mid grey", () => {
    const transparent = unpacked(python.transparent);
    expect(isOpaque(transparent)).toBe(false);
    const apart = difference(cropFace(transparent, python.crops.reduced.transform, 64), unpacked(python.transparent_crop));
    expect(apart.largest).toBeLessThanOrEqual(2);
    expect(onBackdrop(photograph)).toBe(photograph);
  });

  test("fetched from between pixels and from beyond the border", () => {
    const { part, places, fetched } = python.lanczos;
    const from = unpacked(part);
    const colour = new Float32Array(3);
    let largest = 0;
    places.forEach(([x, y]: [number, number], index: number) => {
      fetchLanczos(from, x, y, colour, 0);
      for (let c = 0; c < 3; c++) largest = Math.max(largest, Math.abs(colour[c]! - fetched[index][c]));
    });
    expect(largest).toBeLessThanOrEqual(1);
  });
});
