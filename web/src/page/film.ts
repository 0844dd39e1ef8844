import { BufferTarget, CanvasSource, Mp4OutputFormat, Output } from "mediabunny";
import type { Pixels } from "../lib";

const BITS = 2.5e6; // a second: a face of 480 pixels without blocks

/** A frame of a film, and how long it is shown. */
export interface FilmFrame {
  pixels: Pixels;
  seconds: number;
}

/** Frames of one size as an MP4 in H.264, with a comment. */
export async function writeFilm(frames: readonly FilmFrame[], comment: string): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = frames[0]!.pixels;
  const canvas = new OffscreenCanvas(width - (width % 2), height - (height % 2)); // H.264 wants even sides
  const context = canvas.getContext("2d")!;
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: "in-memory" }), target });
  const film = new CanvasSource(canvas, { codec: "avc", bitrate: BITS });
  output.addVideoTrack(film);
  output.setMetadataTags({ comment });
  await output.start();
  let at = 0;
  for (const { pixels, seconds } of frames) {
    context.fillStyle = "#808080"; // a film has no transparency
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(await createImageBitmap(new ImageData(pixels.data, pixels.width, pixels.height)), 0, 0);
    await film.add(at, seconds);
    at += seconds;
  }
  await output.finalize();
  return new Uint8Array(target.buffer!);
}
