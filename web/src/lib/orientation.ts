import { orientationIn } from "./exif";
import { metadataOf, withoutExif } from "./metadata";
import { emptyPixels } from "./pixels";
import type { Pixels } from "./types";

/** How the EXIF of a PNG or WebP file asks to be turned, 1 to 8. Browsers turn every JPEG, but not all turn these. */
export function ownOrientation(bytes: Uint8Array<ArrayBuffer>): number {
  if (bytes[0] === 0xff) return 1;
  const { exif } = metadataOf(bytes);
  return exif ? orientationIn(exif) : 1;
}

/** Pixels turned and mirrored as an EXIF orientation asks, as `sargan_hf.images.metadata.orientation_transpose`. */
export function turned(pixels: Pixels, orientation: number): Pixels {
  if (orientation < 2 || orientation > 8) return pixels;
  const isSwapped = orientation > 4;
  const [flipsAcross, flipsDown] = [[2, 3, 6, 7].includes(orientation), [3, 4, 7, 8].includes(orientation)];
  const { width: oldWidth, height: oldHeight } = pixels;
  const result = isSwapped ? emptyPixels(oldHeight, oldWidth) : emptyPixels(oldWidth, oldHeight);
  const [from, to] = [pixels, result].map(({ data }) => new Uint32Array(data.buffer, data.byteOffset, data.length / 4)) as [Uint32Array, Uint32Array];
  for (let y = 0, at = 0; y < result.height; y++) {
    for (let x = 0; x < result.width; x++, at++) {
      const [across, down] = [flipsAcross ? result.width - 1 - x : x, flipsDown ? result.height - 1 - y : y];
      to[at] = isSwapped ? from[across * oldWidth + down]! : from[down * oldWidth + across]!;
    }
  }
  return result;
}

/** A picture as a viewer should see it, for a canvas. */
export async function uprightBitmap(blob: Blob): Promise<ImageBitmap> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const orientation = ownOrientation(bytes);
  if (orientation === 1) return createImageBitmap(blob, { imageOrientation: "from-image" });
  const bitmap = await createImageBitmap(new Blob([withoutExif(bytes)]));
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d")!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const upright = turned({ width, height, data: data as Uint8ClampedArray<ArrayBuffer> }, orientation);
  return createImageBitmap(new ImageData(upright.data, upright.width, upright.height));
}
