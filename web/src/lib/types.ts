import type { KeptTags } from "./exif";

/** Pixels in RGBA order, not premultiplied, row by row from the top. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray<ArrayBuffer>;
}

/** left, top, right, bottom in pixels; right and bottom lie outside. */
export type Box = readonly [number, number, number, number];

/** x and y in pixels; the middle of the first pixel is (0, 0). */
export type Point = readonly [number, number];

/** An expression's name or alias, or weights of several. */
export type Expression = string | Readonly<Record<string, number>>;

/** Values of facial controls by name; a name without a side stands for both. */
export type Controls = Readonly<Record<string, number>>;

/** An expression and controls under one name. */
export interface Preset {
  expression?: Readonly<Record<string, number>>;
  controls?: Controls;
  /** 1 is as it stands. */
  intensity?: number;
}

/** A facial control of a model, relative to what a face shows. */
export interface Control {
  name: string;
  /** What a slider for it is called. */
  label: string;
  group: string;
  /** Smallest value, -1 or 0; the largest is 1. */
  least: number;
  /** What 1 and -1 do, in words. */
  plus: string;
  minus: string;
}

/** A setting of all chosen faces, or a list with one for each. */
export type ForEach<T> = T | readonly T[];

export type FaceChoice = "largest" | "all" | number | readonly number[];

/** What to do to a picture. */
export interface EditOptions {
  /** A name, a blend such as `{happy: 0.6, surprised: 0.4}`, or a list with one for each chosen face; null for none. */
  expression?: ForEach<Expression | null>;
  /** Values of a model's facial controls, on top of the expression or alone; or a list with one for each chosen face. */
  controls?: ForEach<Controls | null>;
  /** The name of one of `presets`, or one of your own, instead of `expression` and `controls`; or one for each chosen face. */
  preset?: ForEach<string | Preset>;
  /** 0 gives the picture back bit for bit, 1 is the edit as trained, up to 1.5 exaggerates; or one for each. Default 1. */
  intensity?: ForEach<number>;
  /** "largest" (default), "all", or numbers counted from 1, the largest face first. */
  faces?: FaceChoice;
  /** "face" (default) or one of `regions`, such as "mouth" and "eyes"; or one for each chosen face. */
  region?: ForEach<string>;
  /** A face that no detector sees: left, top, right, bottom. Replaces `faces`. */
  box?: Box;
  /** The subject's right eye, left eye, nose tip, right and left corner of the mouth. Replaces `faces` and `box`. */
  points?: readonly Point[];
}

/** One face of a picture. */
export interface Face {
  box: Box;
  points: readonly Point[];
  /** The detector's confidence, 0 to 1; 1 for a face given by hand. */
  score: number;
  /** What was looked at until it was found. */
  tried: readonly string[];
}

export type PictureFormat = "image/jpeg" | "image/png" | "image/webp";

export interface OpenedPicture {
  width: number;
  height: number;
  name: string;
  /** The format that an edit is saved in by default: the picture's own where a browser can write it. */
  format: PictureFormat;
  /** Sentences about what had to change when the picture was opened. */
  notes: readonly string[];
}

export interface LoadOptions {
  /** Called while files arrive: bytes so far and bytes in all. */
  onProgress?: (loaded: number, total: number) => void;
  /** Threads of the runtime; more than one needs a page that is cross-origin isolated. Default: what the device has, at most 4. */
  threads?: number;
}

export interface SaveOptions {
  format?: PictureFormat;
  /** Whether the file says that a trained model edited it. Default true. */
  provenance?: boolean;
}

/** A look of the face detector, as `sargan_hf.faces.detection.Look`. */
export interface Look {
  name: string;
  side: number;
  border: number;
  angle: number;
  mirrored: boolean;
  equalised: boolean;
  threshold: number;
}

export interface ManifestFile {
  path: string;
  /** Size over the wire and after it was unpacked. */
  bytes: number;
  unpacked: number;
  sha256: string;
}

export interface GraphFile extends ManifestFile {
  /** Where the unpacked graph has weights of 16 bits: first byte and number of bytes. */
  halves: [first: number, length: number][];
}

/** `sargan.json`, which `sargan export --web` writes: all numbers that Python and the browser share. */
export interface Manifest {
  version: string;
  model: string;
  expressions: string[];
  aliases: Record<string, string[]>;
  regions: string[];
  /** None for most models. */
  controls: Control[];
  presets: Record<string, Preset>;
  /** What makes the pictures that front ends for characters look for, by their names. */
  sprites: Record<string, Preset>;
  sampleSize: number;
  spread: number;
  /** Of a change's channels the first that holds the crop, and the first behind it. */
  cropChannels: [number, number];
  maxIntensity: number;
  eyeDistance: number;
  eyesToMouth: number;
  eyesCentre: Point;
  mouth: { size: number; side: number; centre: Point } | null;
  detector: {
    looks: Look[];
    everyFace: number[];
    crowdLook: number;
    crowdFace: number;
    closeupSide: number;
    convincing: number;
    steady: number;
    mirroredPoints: number[];
    pointsInBox: Point[];
  };
  apply: {
    bandPixels: number;
    leastWeight: number;
    restoredDetail: number;
    leastActivity: number;
    /** Of an occlusion layer: pixels over which its edge fades, and over how much of its range at least. */
    layerEdge: number;
    layerSharpest: number;
  };
  /** As `sargan_hf.editing.grain` has them. */
  grain: {
    cheeks: Point[];
    square: number;
    least: number;
    most: number;
    step: number;
    fine: number;
    outlier: number;
    faint: number;
    looks: number;
    dark: number;
    spots: [x: number, y: number, sign: number][];
    luma: [red: number, green: number, blue: number];
  };
  provenance: { digitalSourceType: string; software: string };
  keptExif: KeptTags;
  maxPixels: number;
  graphs: Record<"start" | "edit" | "scale" | "faces" | "mouth_start" | "mouth", GraphFile>;
  runtime: { version: string; loader: string; wasm: ManifestFile };
}
