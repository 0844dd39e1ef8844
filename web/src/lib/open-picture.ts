import { decode } from "fast-png";
import { PictureError } from "./errors";
import { jpegChannels, withoutExif } from "./metadata";
import { ownOrientation, turned } from "./orientation";
import { emptyPixels } from "./pixels";
import { canvasPixels, straightPixels } from "./straight-alpha";
import type { OpenedPicture, PictureFormat, Pixels } from "./types";

/** A file's bytes, a bitmap (which becomes the worker's own) or pixels. */
export type PictureInput = Blob | ImageBitmap | Pixels;

const LEAST_SIDE = 16;
const WRITABLE: readonly string[] = ["image/jpeg", "image/png", "image/webp"];

/** Opens a picture upright, with the levels that its file holds: no colour management, nothing premultiplied. */
export async function openPicture(input: PictureInput, name: string, maxPixels: number): Promise<OpenedPicture & { pixels: Pixels }> {
  const notes: string[] = [];
  let format: PictureFormat = "image/png";
  let pixels: Pixels;
  if (input instanceof Blob) {
    const bytes = new Uint8Array(await input.arrayBuffer());
    const kind = kindOf(bytes);
    if (WRITABLE.includes(kind)) format = kind as PictureFormat;
    const orientation = ownOrientation(bytes);
    const plain = orientation === 1 ? input : new Blob([withoutExif(bytes)]);
    const isCmyk = kind === "image/jpeg" && jpegChannels(bytes) === 4;
    if (isCmyk) notes.push(`${name} was CMYK: the edit is sRGB.`);
    const held = (kind === "image/png" && exactPng(bytes, name, maxPixels, notes)) || (await fromBlob(plain, name, maxPixels, isCmyk));
    pixels = turned(held, orientation);
  } else if ("data" in input) {
    pixels = { width: input.width, height: input.height, data: input.data }; // the message to the worker made a copy
    checkSize(pixels.width, pixels.height, name, maxPixels);
  } else {
    checkSize(input.width, input.height, name, maxPixels);
    pixels = canvasPixels(input);
    input.close();
  }
  return { pixels, width: pixels.width, height: pixels.height, name, format, notes };
}

async function fromBlob(blob: Blob, name: string, maxPixels: number, isCmyk: boolean): Promise<Pixels> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, {
      imageOrientation: "from-image",
      premultiplyAlpha: "none",
      colorSpaceConversion: isCmyk ? "default" : "none",
    });
  } catch {
    throw new PictureError(
      blob.size
        ? `${name} is not a picture that this browser can read: use JPEG, PNG, WebP, AVIF or GIF.`
        : `${name} is empty (0 bytes): copy or download it again.`,
    );
  }
  checkSize(bitmap.width, bitmap.height, name, maxPixels);
  const pixels = straightPixels(bitmap);
  bitmap.close();
  return pixels;
}

/** A PNG with transparency or 16 bits, which a canvas would round; undefined for others, which the browser decodes faster. */
function exactPng(bytes: Uint8Array, name: string, maxPixels: number, notes: string[]): Pixels | undefined {
  const [depth, colourType] = [bytes[24]!, bytes[25]!];
  const header = new DataView(bytes.buffer, bytes.byteOffset);
  if (depth < 8 || (depth === 8 && colourType !== 4 && colourType !== 6)) return undefined;
  checkSize(header.getUint32(16), header.getUint32(20), name, maxPixels);
  let image: ReturnType<typeof decode>;
  try {
    image = decode(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PictureError(`${name} is damaged or incomplete and cannot be decoded (${reason}): copy or export it again.`);
  }
  if (depth === 16) notes.push(`${name} has 16 bits a colour: the edit has 8.`);
  const pixels = emptyPixels(image.width, image.height);
  const { channels, data } = image;
  const level = depth === 16 ? (at: number) => data[at]! >> 8 : (at: number) => data[at]!;
  for (let from = 0, to = 0; from < data.length; from += channels, to += 4) {
    for (let c = 0; c < 3; c++) pixels.data[to + c] = level(from + (channels > 2 ? c : 0));
    pixels.data[to + 3] = channels % 2 === 0 ? level(from + channels - 1) : 255;
  }
  return pixels;
}

function kindOf(bytes: Uint8Array): string {
  const starts = (text: string, at = 0) => [...text].every((letter, index) => bytes[at + index] === letter.charCodeAt(0));
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "image/jpeg";
  if (starts("\x89PNG\r\n\x1a\n")) return "image/png";
  if (starts("RIFF") && starts("WEBP", 8)) return "image/webp";
  return "";
}

function checkSize(width: number, height: number, name: string, maxPixels: number): void {
  if (width * height > maxPixels) {
    throw new PictureError(
      `${name} has ${width} x ${height} pixels, more than the ${maxPixels.toLocaleString("en")} that are allowed: make it smaller first.`,
    );
  }
  if (Math.min(width, height) < LEAST_SIDE) {
    throw new PictureError(
      `${name} has only ${width} x ${height} pixels: a picture needs at least ${LEAST_SIDE} a side, a face about 40.`,
    );
  }
}
