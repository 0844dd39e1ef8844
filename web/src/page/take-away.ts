import { zipSync } from "fflate";
import { applyPalette, GIFEncoder, quantize } from "gifenc";
import { uprightBitmap, type Box, type Manifest, type Pixels, type Portrait, type Sargan } from "../lib";
import { editOptions, type Recipe } from "./recipe";

const LOOP_SIDE = 480;
const LOOP_STEPS = 9; // from the picture to the expression
const LOOP_MILLISECONDS = 70; // of a frame
const HOLD_MILLISECONDS = 500; // at both ends
const FILM_TURNS = 4; // players do not repeat a film by themselves
const SPRITE_SIDE = 768; // pixels, the longer side

type Tell = (text: string) => void;

/** What a loop is made of. */
export interface LoopOrder {
  editor: Sargan;
  source: Blob;
  name: string;
  recipe: Recipe;
  tell: Tell;
}

/** The moving picture from the original to the expression and back, as a GIF of up to 480 pixels. */
export async function gifLoop(order: LoopOrder): Promise<File> {
  const { frames, description } = await loopFrames(order);
  const bytes = encodeGif(thereAndBack(frames), frames.length - 1);
  const note = `${description.slice(0, 140)} ${order.editor.manifest.provenance.digitalSourceType}`;
  return new File([withComment(bytes, note)], `${stem(order.name)}.gif`, { type: "image/gif" });
}

/** The same as an MP4, four times over, where the browser can write H.264. */
export async function filmLoop(order: LoopOrder): Promise<File> {
  const { frames, description } = await loopFrames(order);
  order.tell("Writing the film …");
  const { writeFilm } = await import("./film"); // most visitors never need it
  const note = `${description} ${order.editor.manifest.provenance.digitalSourceType}`;
  const shown = thereAndBack(frames).map((pixels, index) => ({ pixels, seconds: delay(index, frames.length - 1) / 1000 }));
  const bytes = await writeFilm(Array.from({ length: FILM_TURNS }, () => shown).flat(), note);
  return new File([bytes], `${stem(order.name)}.mp4`, { type: "video/mp4" });
}

/** Whether this browser writes films. */
export async function canFilm(): Promise<boolean> {
  if (!("VideoEncoder" in globalThis)) return false;
  return !!(await VideoEncoder.isConfigSupported({ codec: "avc1.42001f", width: LOOP_SIDE, height: LOOP_SIDE })).supported;
}

async function loopFrames({ editor, source, name, recipe, tell }: LoopOrder): Promise<{ frames: Pixels[]; description: string }> {
  const { box, ...options } = editOptions(recipe);
  const small = await shrunk(source, LOOP_SIDE);
  const portrait = await editor.open(small.bitmap, name);
  small.bitmap.close();
  const where = box ? { box: box.map((edge) => edge * small.scale) as unknown as Box } : {};
  const frames: Pixels[] = [];
  let description = "";
  try {
    for (let step = 0; step <= LOOP_STEPS; step++) {
      tell(`Frame ${step + 1} of ${LOOP_STEPS + 1} …`);
      const eased = (1 - Math.cos((Math.PI * step) / LOOP_STEPS)) / 2;
      const edited = await portrait.edit({ ...options, ...where, intensity: options.intensity * eased });
      frames.push(edited.pixels);
      ({ description } = edited);
    }
  } finally {
    await portrait.close();
  }
  return { frames, description };
}

function thereAndBack(frames: readonly Pixels[]): Pixels[] {
  return [...frames, ...frames.slice(1, -1).reverse()];
}

/** Milliseconds of a frame: both ends are held. */
function delay(index: number, turn: number): number {
  return index === 0 || index === turn ? HOLD_MILLISECONDS : LOOP_MILLISECONDS;
}

function encodeGif(frames: readonly Pixels[], turn: number): Uint8Array {
  const gif = GIFEncoder();
  frames.forEach(({ data, width, height }, index) => {
    const palette = quantize(data, 256);
    gif.writeFrame(applyPalette(data, palette), width, height, { palette, delay: delay(index, turn) });
  });
  gif.finish();
  return gif.bytes();
}

/** A GIF with a comment before its end. */
export function withComment(gif: Uint8Array, text: string): Uint8Array<ArrayBuffer> {
  const comment = new TextEncoder().encode(text).slice(0, 255);
  const result = new Uint8Array(gif.length + comment.length + 4);
  result.set(gif.subarray(0, -1));
  result.set([0x21, 0xfe, comment.length, ...comment, 0, 0x3b], gif.length - 1);
  return result;
}

/** The picture in every expression, each in its own format, as a ZIP. */
export async function allExpressions(portrait: Portrait, manifest: Manifest, recipe: Recipe, tell: Tell): Promise<File> {
  const files: Record<string, [Uint8Array, { level: 0 }]> = {};
  for (const expression of manifest.expressions) {
    tell(`Making ${expression} …`);
    const edited = await portrait.edit({ ...editOptions(recipe), expression });
    const file = await edited.toFile();
    edited.close();
    const suffix = file.name.slice(file.name.lastIndexOf("."));
    files[`${expression}${suffix}`] = [new Uint8Array(await file.arrayBuffer()), { level: 0 }]; // pictures are packed already
  }
  const zip = new Uint8Array(zipSync(files));
  return new File([zip], `${stem(portrait.name)}-expressions.zip`, { type: "application/zip" });
}

/** The pictures that front ends for characters look for, one for each emotion, as a ZIP of PNG files. */
export async function sprites({ editor, source, name, recipe, tell }: LoopOrder): Promise<File> {
  const { box, faces, region } = editOptions(recipe);
  const small = await shrunk(source, SPRITE_SIDE);
  const portrait = await editor.open(small.bitmap, name);
  small.bitmap.close();
  const where = box ? { box: box.map((edge) => edge * small.scale) as unknown as Box } : { faces };
  const files: Record<string, [Uint8Array, { level: 0 }]> = {};
  try {
    for (const [sprite, preset] of Object.entries(editor.manifest.sprites)) {
      tell(`Making ${sprite} …`);
      const edited = await portrait.edit({ ...where, region, preset });
      const file = await edited.toFile({ format: "image/png" });
      files[`${sprite}.png`] = [new Uint8Array(await file.arrayBuffer()), { level: 0 }];
    }
  } finally {
    await portrait.close();
  }
  return new File([new Uint8Array(zipSync(files))], `${stem(name)}-sprites.zip`, { type: "application/zip" });
}

/** Sprites that a model without facial controls cannot show: they show the face as it is. */
export function missingSprites({ sprites: all }: Manifest): string[] {
  return Object.keys(all).filter((name) => !Object.keys({ ...all[name]!.expression, ...all[name]!.controls }).length);
}

async function shrunk(source: Blob, longest: number): Promise<{ bitmap: ImageBitmap; scale: number }> {
  const whole = await uprightBitmap(source);
  const scale = Math.min(1, longest / Math.max(whole.width, whole.height));
  const [resizeWidth, resizeHeight] = [Math.round(whole.width * scale), Math.round(whole.height * scale)];
  const bitmap = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" });
  whole.close();
  return { bitmap, scale };
}

function stem(name: string): string {
  return name.replace(/\.[a-z0-9]{2,5}$/i, "") || "picture";
}
