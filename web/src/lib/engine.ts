import { addPatch, applyChange, type Field } from "./apply";
import { FaceDetector } from "./detector";
import { ConfigurationError } from "./errors";
import { chosenFaces } from "./expressions";
import { canonicalTransform, compose, invert, mouthTransform, scaleOf, type Affine } from "./geometry";
import { cropFace, letGo, onBackdrop, toPlanes } from "./pixels";
import { perFace } from "./per-face";
import type { Box, EditOptions, Face, Manifest, Pixels, Point } from "./types";
import { description, isSet, wishes, type Wish } from "./wishes";

export interface Values {
  data: Float32Array;
  dims: readonly number[];
}

export type GraphName = keyof Manifest["graphs"];

/** Runs one of the graphs; whatever runs it. */
export type RunGraph = (name: GraphName, inputs: Record<string, Values>) => Promise<Record<string, Float32Array>>;

export interface EngineEdit {
  pixels: Pixels;
  faces: Face[];
  /** For each face the rectangle outside of which no pixel changed. */
  regions: Box[];
  description: string;
}

const PREVIEW_MARGIN = 0.15; // of the crop's side, on each side
const KEPT_CHANGES = 40; // 1 MB each, 1.4 with an occlusion layer: seven expressions of five faces and a few blends
const KEPT_STARTS = 5; // 1.2 MB each: the faces whose controls are moved together

interface Change {
  key: string;
  field: Float32Array;
  /** How far it moves the face; 0 where the model does not say. */
  reach: number;
}

interface Start {
  key: string;
  kept: Float32Array;
}

/** A picture that is being edited: its faces, the changes made for them, and what controls do not alter of these are kept. */
export class OpenPicture {
  private viewed?: Pixels;
  readonly found = new Map<string, Promise<Face[]>>();
  readonly changes: Change[] = [];
  readonly starts: Start[] = [];
  readonly mouths: Start[] = [];
  private spare?: Uint8ClampedArray<ArrayBuffer>;

  constructor(
    readonly pixels: Pixels,
    readonly name: string,
  ) {}

  /** A copy of its pixels, in memory that was given back where there is some. */
  copy(): Pixels {
    const { width, height, data } = this.pixels;
    const copied = this.spare ?? new Uint8ClampedArray(data.length);
    this.spare = undefined;
    copied.set(data);
    return { width, height, data: copied };
  }

  /** Takes back the memory of an earlier copy: a browser collects it late, and each edit would need more. */
  reuse(data: Uint8ClampedArray<ArrayBuffer>): void {
    if (data.length === this.pixels.data.length) this.spare = data;
  }

  /** The picture as a viewer sees it. */
  get shown(): Pixels {
    this.viewed ??= onBackdrop(this.pixels);
    return this.viewed;
  }

  /** Gives the memory of its pixels back. */
  close(): void {
    letGo(this.pixels.data);
    this.spare = undefined;
    if (this.viewed) letGo(this.viewed.data);
  }
}

/** The steps of an edit, as `SARGANPipeline` has them. */
export class Engine {
  private readonly detector: FaceDetector;

  constructor(
    private readonly run: RunGraph,
    readonly shared: Manifest,
  ) {
    this.detector = new FaceDetector(
      (planes, width, height) => run("faces", { input: { data: planes, dims: [1, 3, height, width] } }),
      shared,
    );
  }

  /** The chosen faces of a picture. */
  async findFaces(picture: OpenPicture, { faces = "largest", box, points }: EditOptions): Promise<Face[]> {
    if (points) return [this.detector.fromPoints(points, picture.pixels)];
    if (box) return [await this.remembered(picture, `box ${box.join()}`, async () => [await this.detector.inBox(picture.shown, box)])].flat();
    const every = faces !== "largest";
    const found = await this.remembered(picture, every ? "all" : "largest", () => this.detector.find(picture.shown, every, picture.name));
    return chosenFaces(faces, found.length, picture.name).map((index) => found[index]!);
  }

  /** The face that had these points in the frame before, or the largest one where that is gone. */
  async follow(picture: OpenPicture, points: readonly Point[]): Promise<Face> {
    return (await this.detector.follow(picture.shown, points)) ?? (await this.findFaces(picture, {}))[0]!;
  }

  async edit(picture: OpenPicture, options: EditOptions): Promise<EngineEdit> {
    this.checkRegion(options.region);
    const faces = await this.findFaces(picture, options);
    const asked = wishes(options, faces.length, this.shared);
    const areas = this.areas(options, faces.length);
    const pixels = picture.copy();
    const regions: Box[] = [];
    for (const [index, face] of faces.entries()) {
      const transform = canonicalTransform(face.points, this.shared.sampleSize, this.shared);
      const change = await this.change(picture, transform, asked[index]!, areas[index]!);
      // Before the first face is edited, the result is the picture: no copy of the face's surroundings is needed.
      const untouched = index === 0 ? picture.pixels : undefined;
      regions.push(await this.apply(picture, pixels, transform, change, asked[index]!, untouched));
    }
    return { pixels, faces, regions, description: description(asked, this.shared) };
  }

  /**
   * A small upright picture of one face with an expression. What the network made is kept, so that the edit of the whole
   * picture comes sooner afterwards.
   */
  async preview(picture: OpenPicture, options: EditOptions, side: number): Promise<Pixels> {
    this.checkRegion(options.region);
    const faces = await this.findFaces(picture, options);
    const [face] = faces;
    const [wish] = wishes(options, faces.length, this.shared);
    const [area] = this.areas(options, faces.length);
    const transform = canonicalTransform(face!.points, this.shared.sampleSize, this.shared);
    const toPreview = canonicalTransform(face!.points, side, this.shared, PREVIEW_MARGIN);
    const pixels = cropFace(picture.shown, toPreview, side);
    if (wish!.strength === 0) return pixels;
    const change = await this.change(picture, transform, wish!, area!);
    await this.apply(picture, pixels, compose(transform, invert(toPreview)), change, wish!);
    return pixels;
  }

  /** Whether the regions are known, before any face is looked for. */
  private checkRegion(region: EditOptions["region"] = []): void {
    for (const one of [region].flat() as string[]) {
      if (this.shared.regions.includes(one)) continue;
      throw new ConfigurationError(`region: ${JSON.stringify(one)} is not known: use ${this.shared.regions.join(", ")}.`);
    }
  }

  /** The region of each face. */
  private areas({ region = this.shared.regions[0]! }: EditOptions, count: number): string[] {
    return perFace(region, count, "regions");
  }

  private async remembered(picture: OpenPicture, key: string, find: () => Promise<Face[]>): Promise<Face[]> {
    const known = picture.found.get(key) ?? find();
    picture.found.set(key, known);
    known.catch(() => picture.found.delete(key));
    return known;
  }

  /** What a wish does to one face at intensity 1, over its widened crop. */
  private async change(picture: OpenPicture, transform: Affine, { expression, controls }: Wish, region: string): Promise<Float32Array> {
    const { controls: known } = this.shared;
    if (!isSet(expression) || !isSet(controls)) return (await this.made(picture, transform, expression, controls, region, 0)).field;
    // How strong an edit becomes is measured at the expression alone: controls may take motion away, as closed lips do.
    const plain = await this.made(picture, transform, expression, new Float32Array(known.length), region, 0);
    return (await this.made(picture, transform, expression, controls, region, plain.reach)).field;
  }

  private async made(
    picture: OpenPicture,
    transform: Affine,
    expression: Float32Array,
    controls: Float32Array,
    region: string,
    plainReach: number,
  ): Promise<Change> {
    const key = JSON.stringify([transform, [...expression], [...controls], region]);
    const known = recalled(picture.changes, key);
    if (known) return known;
    const { regions } = this.shared;
    const inputs: Record<string, Values> = {
      ...(await this.start(picture, transform, expression)),
      region: { data: Float32Array.from(regions, (name) => Number(name === region)), dims: [1, regions.length] },
    };
    if (controls.length) {
      inputs.controls = { data: controls, dims: [1, controls.length] };
      inputs.plain_reach = { data: Float32Array.of(plainReach), dims: [1] };
    }
    const { change, reach } = await this.run("edit", inputs);
    return keep(picture.changes, { key, field: change!, reach: reach?.[0] ?? 0 }, KEPT_CHANGES);
  }

  /** What the graph `edit` begins with: of a model with controls, what these do not alter is computed once. */
  private async start(picture: OpenPicture, transform: Affine, expression: Float32Array): Promise<Record<string, Values>> {
    const key = JSON.stringify([transform, [...expression]]);
    let known = recalled(picture.starts, key);
    if (!known) {
      const side = this.shared.sampleSize;
      const inputs: Record<string, Values> = {
        crop: { data: toPlanes(cropFace(picture.pixels, transform, side), "RGB"), dims: [1, 3, side, side] },
        expression: { data: expression, dims: [1, expression.length] },
      };
      if (!this.shared.graphs.start) return inputs;
      const { kept } = await this.run("start", inputs);
      known = keep(picture.starts, { key, kept: kept! }, KEPT_STARTS);
    }
    return { kept: { data: known.kept, dims: [known.kept.length] } };
  }

  private async apply(
    picture: OpenPicture,
    pixels: Pixels,
    transform: Affine,
    change: Float32Array,
    wish: Wish,
    untouched?: Pixels,
  ): Promise<Box> {
    const input = this.changeInput(change);
    const scaled = await this.run("scale", { change: input, intensity: { data: Float32Array.of(wish.strength), dims: [1] } });
    const [, channels, side] = input.dims as [number, number, number];
    const fields: Field = { channels, side, data: scaled.fields! };
    const region = applyChange(pixels, transform, fields, this.shared, untouched);
    await this.refineMouth(picture, pixels, transform, change, wish.expression, scaled.activity, region);
    return region;
  }

  /** A change of the graph `edit` for the other graphs; with an occlusion layer it has more channels. */
  private changeInput(change: Float32Array): Values {
    const side = this.shared.sampleSize + 2 * this.shared.spread;
    return { data: change, dims: [1, change.length / side ** 2, side, side] };
  }

  /** Paints the finer mouth, as `sargan_hf.editing.mouth_refiner.refine_mouth`; a face smaller than the crop has no room for it. */
  private async refineMouth(
    picture: OpenPicture,
    pixels: Pixels,
    transform: Affine,
    change: Float32Array,
    vector: Float32Array,
    activity: Float32Array | undefined,
    region: Box,
  ): Promise<void> {
    const { mouth, sampleSize, apply } = this.shared;
    if (!mouth || !activity || scaleOf(transform) >= 1) return;
    if (activity.reduce((most, value) => Math.max(most, value), 0) < apply.leastActivity) return;
    const toPatch = mouthTransform(transform, sampleSize, mouth);
    const { paint } = await this.run("mouth", {
      patch: { data: toPlanes(cropFace(pixels, toPatch, mouth.size), "RGB"), dims: [1, 3, mouth.size, mouth.size] },
      expression: { data: vector, dims: [1, vector.length] },
      kept: await this.mouthStart(picture, transform, change),
      activity: { data: activity, dims: [1, 1, mouth.size, mouth.size] },
    });
    addPatch(pixels, { channels: 3, side: mouth.size, data: paint! }, toPatch, region);
  }

  /** What the mouth's refiner needs of the colours of a face: the same for all its edits. */
  private async mouthStart(picture: OpenPicture, transform: Affine, change: Float32Array): Promise<Values> {
    const key = JSON.stringify(transform);
    let known = recalled(picture.mouths, key);
    if (!known) {
      const [, , side] = this.changeInput(change).dims as [number, number, number];
      const [first, behind] = this.shared.cropChannels;
      const crop = change.slice(first * side ** 2, behind * side ** 2);
      const { kept } = await this.run("mouth_start", { crop: { data: crop, dims: [1, 3, side, side] } });
      known = keep(picture.mouths, { key, kept: kept! }, KEPT_STARTS);
    }
    return { data: known.kept, dims: [known.kept.length] };
  }
}

/** What is kept under a key; those used last stay longest. */
function recalled<T extends { key: string }>(list: T[], key: string): T | undefined {
  const at = list.findIndex((one) => one.key === key);
  if (at >= 0) list.push(...list.splice(at, 1));
  return at >= 0 ? list.at(-1) : undefined;
}

function keep<T>(list: T[], made: T, most: number): T {
  list.push(made);
  if (list.length > most) list.shift();
  return made;
}
