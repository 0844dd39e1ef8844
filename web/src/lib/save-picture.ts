import { encode } from "fast-png";
import { PictureError } from "./errors";
import { keptExif, type KeptTags } from "./exif";
import { isOfRgb, metadataOf, withJpegMetadata, withPngMetadata, withWebpMetadata } from "./metadata";
import { isOpaque } from "./pixels";
import { xmpPacket, type Note } from "./provenance";
import type { PictureFormat, Pixels } from "./types";

const QUALITY: Record<string, number> = { "image/jpeg": 0.97, "image/webp": 0.95 };
const SUFFIX: Record<PictureFormat, string> = { "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp" };
const OWN_SUFFIXES: Record<PictureFormat, RegExp> = {
  "image/jpeg": /\.jpe?g$/i,
  "image/png": /\.png$/i,
  "image/webp": /\.webp$/i,
};

/** A file of an edited picture, with the colour profile of the original, what is kept of its EXIF, and the note. */
export async function savedPicture(
  pixels: Pixels,
  name: string,
  format: PictureFormat,
  original: Blob | undefined,
  note: Note | undefined,
  keptTags: KeptTags,
): Promise<File> {
  const bytes = await encoded(pixels, format);
  const { profile, exif } = original ? metadataOf(new Uint8Array(await original.arrayBuffer())) : {};
  const metadata = {
    profile: profile && isOfRgb(profile) ? profile : undefined, // a canvas writes RGB, whatever the picture was
    exif: exif && keptExif(exif, keptTags),
    note,
    xmp: note && xmpPacket(note),
  };
  const write = { "image/jpeg": withJpegMetadata, "image/png": withPngMetadata, "image/webp": withWebpMetadata }[format];
  return new File([write(bytes, metadata)], editedName(name, format), { type: format });
}

/** The picture's own name, with the suffix of the format. */
export function editedName(name: string, format: PictureFormat): string {
  if (OWN_SUFFIXES[format].test(name)) return name;
  return name.replace(/\.[a-z0-9]{2,5}$/i, "") + SUFFIX[format];
}

async function encoded(pixels: Pixels, format: PictureFormat): Promise<Uint8Array<ArrayBuffer>> {
  const opaque = isOpaque(pixels);
  if (format === "image/png" && !opaque) return exactPng(pixels); // a canvas would round colours under transparency
  if (format === "image/jpeg" && !opaque) throw new PictureError("JPEG cannot hold transparency: use image/png or image/webp.");
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d")!.putImageData(new ImageData(pixels.data, pixels.width, pixels.height), 0, 0);
  const blob = await canvas.convertToBlob({ type: format, quality: QUALITY[format] });
  canvas.width = canvas.height = 0; // gives its copy of the picture back
  if (blob.type !== format) throw new PictureError(`This browser cannot write ${format}: use image/png.`);
  return new Uint8Array(await blob.arrayBuffer());
}

function exactPng({ width, height, data }: Pixels): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode({ width, height, data: new Uint8Array(data.buffer), channels: 4, depth: 8 }));
}
