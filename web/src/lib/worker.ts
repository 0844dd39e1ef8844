import { Engine, OpenPicture } from "./engine";
import { ConfigurationError, toPlain, type PlainError } from "./errors";
import { openPicture, type PictureInput } from "./open-picture";
import { loadRuntime } from "./runtime";
import type { EditOptions, LoadOptions, Pixels, Point } from "./types";

/** What the page asks of the worker. */
export type Request =
  | { id: number; do: "load"; folder: string; threads: LoadOptions["threads"] }
  | { id: number; do: "open"; picture: number; input: PictureInput; name: string }
  | { id: number; do: "faces"; picture: number; options: EditOptions }
  | { id: number; do: "follow"; picture: number; points: readonly Point[] }
  | { id: number; do: "preview"; picture: number; options: EditOptions; side: number }
  | { id: number; do: "edit"; picture: number; options: EditOptions }
  | { id: number; do: "reuse"; picture: number; data: Uint8ClampedArray<ArrayBuffer> }
  | { id: number; do: "close"; picture: number };

/** What the worker answers. */
export type Answer =
  | { id: number; value: unknown }
  | { id: number; error: PlainError }
  | { id: number; progress: [number, number] };

let engine: Engine | undefined;
const pictures = new Map<number, OpenPicture>();
let queue: Promise<unknown> = Promise.resolve(); // the runtime does one thing at a time

self.onmessage = ({ data }: MessageEvent<Request>) => {
  queue = queue.then(() => handle(data)).catch(() => undefined);
};

async function handle(request: Request): Promise<void> {
  try {
    const [value, transfer] = await perform(request);
    post({ id: request.id, value }, transfer);
  } catch (error) {
    post({ id: request.id, error: toPlain(error) });
  }
}

async function perform(request: Request): Promise<[unknown, Transferable[]]> {
  if (request.do === "load") {
    const progress = (loaded: number, total: number) => post({ id: request.id, progress: [loaded, total] });
    const { manifest, run, threads } = await loadRuntime(new URL(request.folder), request.threads, progress);
    engine = new Engine(run, manifest);
    return [{ manifest, threads }, []];
  }
  if (!engine) throw new ConfigurationError("The model is not loaded yet: await Sargan.load first.");
  if (request.do === "open") {
    const { pixels, ...opened } = await openPicture(request.input, request.name, engine.shared.maxPixels);
    pictures.set(request.picture, new OpenPicture(pixels, request.name));
    return [opened, []];
  }
  if (request.do === "close") {
    pictures.get(request.picture)?.close();
    pictures.delete(request.picture);
    return [undefined, []];
  }
  const picture = pictures.get(request.picture);
  if (request.do === "reuse") {
    picture?.reuse(request.data);
    return [undefined, []];
  }
  if (!picture) throw new ConfigurationError("This picture was closed: open it again.");
  if (request.do === "faces") return [await engine.findFaces(picture, request.options), []];
  if (request.do === "follow") return [await engine.follow(picture, request.points), []];
  if (request.do === "preview") {
    const small = await engine.preview(picture, request.options, request.side);
    return [small, [buffer(small)]];
  }
  const made = await engine.edit(picture, request.options);
  return [made, [buffer(made.pixels)]];
}

function buffer(pixels: Pixels): ArrayBuffer {
  return pixels.data.buffer;
}

function post(answer: Answer, transfer: Transferable[] = []): void {
  (self as unknown as Worker).postMessage(answer, transfer);
}
