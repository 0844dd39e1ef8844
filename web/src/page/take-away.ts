import { zipSync } from "fflate";
import { applyPalette, GIFEncoder, quantize } from "gifenc";
import type { Edited, Manifest, PictureSource, Portrait, Sargan } from "../lib";
import { editOptions, type Recipe } from "./recipe";

const LOOP_SIDE = 480;
const LOOP_STEPS = 9; // from the picture to the expression
const LOOP_MILLISECONDS = 70; // of a frame
const HOLD_MILLISECONDS = 500; // at both ends

type Tell = (text: string) => void;

/** The moving picture from the original to the expression and back, as a GIF of up to 480 pixels. */
export async function loop(editor: Sargan, source: PictureSource, name: string, recipe: Recipe, tell: Tell): Promise<File> {
  const small = await shrunk(source, LOOP_SIDE);
  const portrait = await editor.open(small, name);
  small.close();
  const frames: Edited[] = [];
  try {
    for (let step = 0; step <= LOOP_STEPS; step++) {
      tell(`Frame ${step + 1} of ${LOOP_STEPS + 1} …`);
      const eased = (1 - Math.cos((Math.PI * step) / LOOP_STEPS)) / 2;
      frames.push(await portrait.edit({ ...editOptions(recipe), intensity: recipe.intensity * eased }));
    }
  } finally {
    await portrait.close();
  }
  const there = frames.map((frame) => frame.pixels);
  const bytes = encodeGif([...there, ...there.slice(1, -1).reverse()], there.length - 1);
  const note = `${frames.at(-1)!.description.slice(0, 140)} ${editor.manifest.provenance.digitalSourceType}`;
  return new File([withComment(bytes, note)], `${stem(name)}.gif`, { type: "image/gif" });
}

function encodeGif(frames: readonly Edited["pixels"][], turn: number): Uint8Array {
  const gif = GIFEncoder();
  frames.forEach(({ data, width, height }, index) => {
    const palette = quantize(data, 256);
    const delay = index === 0 || index === turn ? HOLD_MILLISECONDS : LOOP_MILLISECONDS;
    gif.writeFrame(applyPalette(data, palette), width, height, { palette, delay });
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
    const suffix = file.name.slice(file.name.lastIndexOf("."));
    files[`${expression}${suffix}`] = [new Uint8Array(await file.arrayBuffer()), { level: 0 }]; // pictures are packed already
  }
  const zip = new Uint8Array(zipSync(files));
  return new File([zip], `${stem(portrait.name)}-expressions.zip`, { type: "application/zip" });
}

async function shrunk(source: PictureSource, longest: number): Promise<ImageBitmap> {
  const bitmap = await createImageBitmap(source as ImageBitmapSource);
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  const small = await createImageBitmap(bitmap, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
  bitmap.close();
  return small;
}

function stem(name: string): string {
  return name.replace(/\.[a-z0-9]{2,5}$/i, "") || "picture";
}
