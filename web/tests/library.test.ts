import { describe, expect, test } from "vitest";
import { controlsVector, resolveControl } from "../src/lib/controls";
import { chosenFaces, conditions, expressionVector } from "../src/lib/expressions";
import { ConfigurationError, ControlError, ExpressionError, fromPlain, NoFaceError, SarganError, toPlain } from "../src/lib/errors";
import { canonicalTransform, compose, invert, mapPoint } from "../src/lib/geometry";
import { keptExif } from "../src/lib/exif";
import { metadataOf, withJpegMetadata, withPngMetadata, withWebpMetadata } from "../src/lib/metadata";
import { joined } from "../src/lib/packing";
import { xmpPacket } from "../src/lib/provenance";
import { editedName } from "../src/lib/save-picture";
import { SteadyFace } from "../src/lib/steady-face";
import type { Manifest, Point } from "../src/lib/types";
import { description, isSet, wishes } from "../src/lib/wishes";
import { described, editOptions, History, PLAIN, recipeOf } from "../src/page/recipe";
import { withComment } from "../src/page/take-away";
import { fixtures } from "./fixtures";

const python = fixtures();
const manifest = python.manifest as Manifest;

describe("graphs", () => {
  const { graph, halves, separated } = python.packing;

  test("come as they were before Python took their weights' bytes apart", () => {
    expect([...joined(Uint8Array.from(separated as number[]), halves)]).toEqual(graph);
  });

  test("without such weights come as they are", () => {
    expect([...joined(Uint8Array.from(graph as number[]), [])]).toEqual(graph);
  });
});

describe("expressions", () => {
  test.each(python.expressions as [any, number[]][])("%j is Python's vector", (spec, vector) => {
    expectClose([...expressionVector(spec, manifest)], vector);
  });

  test.each([["glad"], [{ happy: -1 }], [{ happy: 0 }], [{ happy: Number.NaN }], [[1, 2]]])("%j is refused", (spec) => {
    expect(() => expressionVector(spec as never, manifest)).toThrow(ExpressionError);
  });

  test("a list has one for each face", () => {
    expect(conditions(["happy", "sad"], 2, manifest)).toHaveLength(2);
    expect(() => conditions(["happy", "sad"], 3, manifest)).toThrow(ConfigurationError);
  });

  test("faces are counted from 1, the largest first", () => {
    expect(chosenFaces("largest", 3, "a.jpg")).toEqual([0]);
    expect(chosenFaces("all", 3, "a.jpg")).toEqual([0, 1, 2]);
    expect(chosenFaces([3, 1, 3], 3, "a.jpg")).toEqual([2, 0]);
    expect(() => chosenFaces(4, 3, "a.jpg")).toThrow(NoFaceError);
    expect(() => chosenFaces(0, 3, "a.jpg")).toThrow(ConfigurationError);
    expect(() => chosenFaces("some" as never, 3, "a.jpg")).toThrow(ConfigurationError);
  });

  test("the note says what was done", () => {
    const asked = wishes({ expression: { happy: 0.6, surprised: 0.4 }, intensity: 0.8 }, 1, manifest);
    expect(description(asked, manifest)).toBe(
      "Facial expression edited with SARGAN: happy 60% and surprised 40% at intensity 0.8.",
    );
  });
});

describe("controls", () => {
  const withControls = { ...manifest, ...(python.controls.manifest as Partial<Manifest>) };

  test.each(python.controls.vectors as [any, number[]][])("%j is Python's vector", (spec, vector) => {
    expectClose([...controlsVector(spec, withControls)], vector);
  });

  test.each([[{ ear: 1 }], [{ squint: -1 }], [{ smile: 1, smile_left: 0 }], [{ jaw_open: 1.1 }], [null]])("%j is refused", (spec) => {
    expect(() => controlsVector(spec as never, withControls)).toThrow(ControlError);
  });

  test("a name without a side means both", () => {
    expect(resolveControl("Eye wide", withControls)).toEqual(["eye_wide_left", "eye_wide_right"]);
  });

  test("a preset is a recipe, and the same wish", () => {
    for (const [name, preset] of Object.entries(withControls.presets)) {
      const [asked] = wishes({ preset: name }, 1, withControls);
      const [same] = wishes(editOptions({ ...PLAIN, ...recipeOf(preset) }), 1, withControls);
      expectClose([...same!.expression, ...same!.controls], [...asked!.expression, ...asked!.controls]);
    }
    expect(described({ ...PLAIN, ...recipeOf(withControls.presets.smirk!) })).toBe("Now 4 facial controls, strength 100%.");
  });

  test("each face can have settings of its own", () => {
    const [first, second] = wishes({ expression: ["happy", null], controls: [null, { jaw_open: 0.4 }], intensity: [0.5, 1] }, 2, withControls);
    const [same] = wishes({ expression: "happy", intensity: 0.5 }, 1, withControls);
    const [other] = wishes({ controls: { jaw_open: 0.4 } }, 1, withControls);
    expect([first, second]).toEqual([same, other]);
    expect(description([first!, second!], withControls)).toBe(
      "Facial expression edited with SARGAN: happy 100% at intensity 0.5, jaw_open +0.4 at intensity 1.",
    );
  });

  test("each face can have a preset of its own, which is made as strong as it says", () => {
    const [wink, own] = wishes({ preset: ["wink", { expression: { sad: 1 }, intensity: 0.5 }], intensity: [1, 0.8] }, 2, withControls);
    expect(wink).toEqual(wishes({ preset: "wink" }, 1, withControls)[0]);
    expect(own!.strength).toBeCloseTo(0.4);
    expect(isSet(own!.controls)).toBe(false);
  });

  test.each([
    [{ intensity: [1, 1, 1] }, "3 intensities were given for 2 faces"],
    [{ intensity: [1, 2] }, "from 0 to 1.5; got 2"],
    [{ intensity: [] }, "0 intensities were given for 2 faces"],
    [{ preset: ["wink"] }, "1 presets were given for 2 faces"],
    [{ controls: [{ smile: 1 }] }, "1 settings of controls were given for 2 faces"],
  ])("%j is refused for two faces", (options, says) => {
    expect(() => wishes(options as never, 2, withControls)).toThrow(ConfigurationError);
    expect(() => wishes(options as never, 2, withControls)).toThrow(says);
  });

  test("without an expression and controls nothing is asked", () => {
    expect(wishes({ preset: {} }, 1, manifest)[0]!.strength).toBe(0);
    expect(editOptions(PLAIN).intensity).toBe(0);
  });
});

describe("a face in a film", () => {
  const points: Point[] = [[100, 100], [200, 100], [150, 150], [110, 200], [190, 200]];
  const shifted = (by: number): Point[] => points.map(([x, y]) => [x + by, y]);

  test("trembles less than it is found to", () => {
    const steady = new SteadyFace();
    steady.next(points);
    const found = [1, -1, 0.8, -1.2, 1, -1];
    const shown = found.map((by) => steady.next(shifted(by))[0]![0] - 100);
    expect(Math.max(...shown.map(Math.abs))).toBeLessThan(0.5);
  });

  test("is followed at once where it moves", () => {
    const steady = new SteadyFace();
    steady.next(points);
    expect(steady.next(shifted(30))[0]![0]).toBe(130);
  });
});

describe("geometry", () => {
  test("the canonical crop is Python's", () => {
    const { transform } = python.crops.reduced;
    expectClose([...canonicalTransform(python.points as Point[], 64, manifest)], transform);
  });

  test("a map undone is the identity", () => {
    const map = canonicalTransform(python.points as Point[], 128, manifest);
    expectClose([...mapPoint(compose(invert(map), map), [12, 34])], [12, 34]);
  });

  test("points that cannot be a face are refused", () => {
    const one = python.points[0] as Point;
    expect(() => canonicalTransform([one, one, one, one, one], 128, manifest)).toThrow(ConfigurationError);
    expect(() => canonicalTransform([one], 128, manifest)).toThrow(ConfigurationError);
  });
});

describe("files", () => {
  const note = { ...manifest.provenance, description: "Happy & <sad>." };

  test("the packet is Python's", () => expect(xmpPacket(note)).toBe(python.xmp));

  test("damaged EXIF is left out", () => {
    const tags = { picture: [271], camera: [] };
    expect(keptExif(Uint8Array.from([0x49, 0x49, 42, 0, 200, 0, 0, 0]), tags)).toBeUndefined();
    expect(keptExif(Uint8Array.from([]), tags)).toBeUndefined();
  });

  test("a colour profile survives in all three formats", () => {
    const profile = Uint8Array.from({ length: 70_000 }, (_, n) => n % 251);
    const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xda, 0, 2, 0xff, 0xd9);
    expect(metadataOf(withJpegMetadata(jpeg, { profile })).profile).toEqual(profile);
    const withOther = withJpegMetadata(jpeg, { profile: profile.slice(7) });
    expect(withJpegMetadata(withOther, { profile })).toEqual(withJpegMetadata(jpeg, { profile }));
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, ...new Array<number>(21).fill(0)]);
    expect(metadataOf(withPngMetadata(png, { profile })).profile).toEqual(profile);
    const webp = new Uint8Array(12 + 8 + 10);
    webp.set(new TextEncoder().encode("RIFF"));
    webp.set(new TextEncoder().encode("WEBPVP8 "), 8);
    webp[16] = 10;
    expect(metadataOf(withWebpMetadata(webp, { profile })).profile).toEqual(profile);
  });

  test("an edit has its picture's own name", () => {
    expect(editedName("me.JPG", "image/jpeg")).toBe("me.JPG");
    expect(editedName("me.heic", "image/png")).toBe("me.png");
    expect(editedName("v1.2 of me", "image/png")).toBe("v1.2 of me.png");
  });

  test("a comment is the last block of a GIF", () => {
    const gif = withComment(Uint8Array.of(1, 2, 0x3b), "note");
    expect([...gif]).toEqual([1, 2, 0x21, 0xfe, 4, ...new TextEncoder().encode("note"), 0, 0x3b]);
  });
});

test("errors keep their class from worker to page", () => {
  const error = fromPlain(toPlain(new NoFaceError("none")));
  expect(error).toBeInstanceOf(NoFaceError);
  expect(error).toBeInstanceOf(SarganError);
  expect(fromPlain(toPlain(new TypeError("odd")))).toBeInstanceOf(SarganError);
});

test("undo and redo walk over what was settled on", () => {
  const history = new History<number>();
  for (const state of [1, 2, 2, 3]) history.add(state);
  expect([history.undo(), history.undo(), history.undo(), history.redo()]).toEqual([2, 1, undefined, 2]);
  history.add(4);
  expect(history.redo()).toBeUndefined();
  expect(history.undo()).toBe(2);
});

function expectClose(values: readonly number[], expected: readonly number[]): void {
  expect(values).toHaveLength(expected.length);
  values.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 5));
}
