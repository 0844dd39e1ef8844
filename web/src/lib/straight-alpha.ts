import { isOpaque } from "./pixels";
import type { Pixels } from "./types";

/**
 * The levels of a bitmap that was decoded with `premultiplyAlpha: "none"`. A canvas holds colours multiplied by their alpha in
 * 8 bits, so that faint ones come back rounded, and those under full transparency black. A texture holds them as they are.
 */
export function straightPixels(bitmap: ImageBitmap): Pixels {
  const rounded = canvasPixels(bitmap);
  if (isOpaque(rounded)) return rounded;
  const exact = texturePixels(bitmap);
  // Without WebGL, more bits keep all colours but those under full transparency. Browsers that know no such canvas give 8.
  return exact && isRoundedTo(exact, rounded) ? exact : canvasPixels(bitmap, { colorType: "float16" });
}

/** What a canvas shows of a bitmap. */
export function canvasPixels(bitmap: ImageBitmap, settings: { colorType?: "float16" } = {}): Pixels {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, ...settings })!;
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  canvas.width = canvas.height = 0; // gives its copy of the picture back at once
  return { width, height, data: data as Uint8ClampedArray<ArrayBuffer> };
}

/** Undefined without WebGL, and for a picture that is too large for a texture. */
function texturePixels(bitmap: ImageBitmap): Pixels | undefined {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl) return undefined;
  const { width, height } = bitmap;
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, gl.getParameter(gl.TEXTURE_BINDING_2D), 0);
  const data = new Uint8ClampedArray(width * height * 4);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, data);
  const isRead = gl.getError() === gl.NO_ERROR;
  gl.getExtension("WEBGL_lose_context")?.loseContext(); // a browser has few of them
  return isRead ? { width, height, data } : undefined;
}

/** Whether `rounded` can have come from `exact`: not where a browser multiplies by alpha all the same, or adds noise. */
function isRoundedTo(exact: Pixels, rounded: Pixels): boolean {
  const [from, to] = [exact.data, rounded.data];
  for (let at = 0; at < from.length; at += 4) {
    const alpha = from[at + 3]!;
    if (alpha !== to[at + 3]) return false;
    for (let c = at; c < at + 3; c++) {
      if (Math.abs(from[c]! - to[c]!) * alpha > 2 * 255) return false; // one level of the product, and one of its own
    }
  }
  return true;
}
