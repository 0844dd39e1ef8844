import { fromPlain, ModelError } from "./errors";
import { savedPicture } from "./save-picture";
import type { EngineEdit } from "./engine";
import type { PictureInput } from "./open-picture";
import type { Answer, Request } from "./worker";
import type { Box, Control, EditOptions, Face, LoadOptions, Manifest, OpenedPicture, PictureFormat, Pixels, Point, Preset, SaveOptions } from "./types";

export * from "./errors";
export type * from "./types";
export { controlsVector, resolveControl } from "./controls";
export { uprightBitmap } from "./orientation";
export { SteadyFace } from "./steady-face";
export { expressionVector, resolveExpression } from "./expressions";

/** What can be edited: a file, a bitmap, the pixels of a canvas, or an `<img>` or `<canvas>`. */
export type PictureSource = Blob | ImageBitmap | ImageData | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas;

type Order = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  onProgress?: LoadOptions["onProgress"];
}

/** The editor. All work is done in a worker on this device; nothing is uploaded. */
export class Sargan {
  private readonly waiting = new Map<number, Waiting>();
  private calls = 0;
  private pictures = 0;
  /** What the folder holds. */
  manifest!: Manifest;
  /** How many threads the runtime uses. */
  threads = 1;

  private constructor(private readonly worker: Worker) {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.receive(data);
    worker.onerror = (event) => this.fail(new ModelError(`The worker stopped (${event.message || "its script does not load"}): reload the page.`));
  }

  /**
   * Loads the model of a folder that `sargan export --web` wrote.
   *
   * @throws ModelError where the folder cannot be loaded.
   */
  static async load(folder: string | URL, { onProgress, threads }: LoadOptions = {}): Promise<Sargan> {
    const base = new URL(folder, globalThis.document?.baseURI ?? globalThis.location.href);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "sargan" });
    const editor = new Sargan(worker);
    try {
      const loaded = await editor.call<{ manifest: Manifest; threads: number }>({ do: "load", folder: base.href, threads }, [], onProgress);
      editor.manifest = loaded.manifest;
      editor.threads = loaded.threads;
      return editor;
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /** The expressions that the model knows. */
  get expressions(): readonly string[] {
    return this.manifest.expressions;
  }

  /** The parts of a face that an edit can be kept to; the first is the whole face. */
  get regions(): readonly string[] {
    return this.manifest.regions;
  }

  /** The facial controls that the model has: none for most. */
  get controls(): readonly Control[] {
    return this.manifest.controls;
  }

  /** Named settings of expression and controls, for a model that has controls. */
  get presets(): Readonly<Record<string, Preset>> {
    return this.manifest.presets;
  }

  /** Edits one picture: `open`, `edit` and `close` in one. */
  async edit(source: PictureSource, options: EditOptions = {}): Promise<Edited> {
    const portrait = await this.open(source);
    try {
      return await portrait.edit(options);
    } finally {
      await portrait.close();
    }
  }

  /** Opens a picture that is to be edited several times; its faces are found once. */
  async open(source: PictureSource, name = source instanceof File ? source.name : "the picture"): Promise<Portrait> {
    const [input, transfer] = await asInput(source);
    const picture = ++this.pictures;
    const opened = await this.call<OpenedPicture>({ do: "open", picture, input, name }, transfer);
    const original = input instanceof Blob ? input : undefined;
    return new Portrait(opened, original, this.manifest, (order, moved) => this.call({ ...order, picture }, moved));
  }

  /** Stops the worker and gives its memory back. */
  close(): void {
    this.worker.terminate();
    this.fail(new ModelError("The editor was closed: load it again."));
  }

  private call<T>(order: Order, transfer: Transferable[] = [], onProgress?: LoadOptions["onProgress"]): Promise<T> {
    const id = ++this.calls;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: never) => void, reject, onProgress });
      this.worker.postMessage({ ...order, id }, transfer);
    });
  }

  private receive(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    if (!waiting) return;
    if ("progress" in answer) return waiting.onProgress?.(...answer.progress);
    this.waiting.delete(answer.id);
    if ("error" in answer) waiting.reject(fromPlain(answer.error));
    else waiting.resolve(answer.value as never);
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

type PictureOrder =
  | { do: "preview"; options: EditOptions; side: number }
  | { do: "follow"; points: readonly Point[] }
  | { do: "reuse"; data: Uint8ClampedArray<ArrayBuffer> }
  | { do: "faces" | "edit"; options: EditOptions } | { do: "close" };

/** A picture that was opened. */
export class Portrait implements OpenedPicture {
  readonly width: number;
  readonly height: number;
  readonly name: string;
  readonly format: PictureFormat;
  readonly notes: readonly string[];

  /** Made by `Sargan.open`. */
  constructor(
    opened: OpenedPicture,
    private readonly original: Blob | undefined,
    private readonly manifest: Manifest,
    private readonly call: <T>(order: PictureOrder, transfer?: Transferable[]) => Promise<T>,
  ) {
    ({ width: this.width, height: this.height, name: this.name, format: this.format, notes: this.notes } = opened);
  }

  /**
   * The chosen faces, the largest first.
   *
   * @throws NoFaceError where none is found.
   */
  faces(options: Pick<EditOptions, "faces" | "box" | "points"> = { faces: "all" }): Promise<Face[]> {
    return this.call<Face[]>({ do: "faces", options });
  }

  /**
   * The face that had these points in an earlier frame of a film, which is found sooner than any face; the largest one where it
   * is gone. `SteadyFace` keeps it from trembling.
   *
   * @throws NoFaceError where none is found.
   */
  follow(points: readonly Point[]): Promise<Face> {
    return this.call<Face>({ do: "follow", points });
  }

  /**
   * The picture with another expression.
   *
   * @throws NoFaceError, ExpressionError, ConfigurationError
   */
  async edit(options: EditOptions = {}): Promise<Edited> {
    const made = await this.call<EngineEdit>({ do: "edit", options });
    const giveBack = ({ data }: Pixels) => void this.call({ do: "reuse", data }, [data.buffer]).catch(() => undefined);
    return new Edited(made, this, this.original, this.manifest, giveBack);
  }

  /** A small upright picture, `side` pixels wide and high, of the first chosen face with an expression; 0 as intensity shows it as it is. */
  async preview(options: EditOptions = {}, side = 128): Promise<ImageData> {
    const { data, width, height } = await this.call<Pixels>({ do: "preview", options, side });
    return new ImageData(data, width, height);
  }

  /** Forgets the picture. */
  close(): Promise<void> {
    return this.call<void>({ do: "close" });
  }
}

/** An edited picture. */
export class Edited {
  readonly pixels: Pixels;
  readonly faces: readonly Face[];
  /** For each face the rectangle outside of which no pixel changed. */
  readonly regions: readonly Box[];
  /** What was done, a sentence. */
  readonly description: string;

  /** Made by `Portrait.edit`. */
  constructor(
    made: EngineEdit,
    private readonly picture: OpenedPicture,
    private readonly original: Blob | undefined,
    private readonly manifest: Manifest,
    private readonly giveBack: (pixels: Pixels) => void,
  ) {
    ({ pixels: this.pixels, faces: this.faces, regions: this.regions, description: this.description } = made);
  }

  /** The pixels for a canvas. */
  toImageData(): ImageData {
    return new ImageData(this.pixels.data, this.pixels.width, this.pixels.height);
  }

  /** Gives the memory of the pixels back, for the next edit: the browser would wait. Nothing can be made of them afterwards. */
  close(): void {
    if (this.pixels.data.length) this.giveBack(this.pixels);
  }

  /**
   * A file: in the picture's own format where a browser can write it, with its colour profile, its EXIF without the location, and the
   * note that a trained model edited it.
   *
   * @throws PictureError where the format cannot hold the picture.
   */
  toFile({ format = this.picture.format, provenance = true }: SaveOptions = {}): Promise<File> {
    const note = provenance ? { ...this.manifest.provenance, description: this.description } : undefined;
    return savedPicture(this.pixels, this.picture.name, format, this.original, note, this.manifest.keptExif);
  }
}

async function asInput(source: PictureSource): Promise<[PictureInput, Transferable[]]> {
  if (source instanceof Blob) return [source, []];
  if (source instanceof ImageData) {
    return [{ width: source.width, height: source.height, data: source.data as Uint8ClampedArray<ArrayBuffer> }, []];
  }
  // A copy, so that the caller's bitmap stays usable.
  const bitmap = await createImageBitmap(source);
  return [bitmap, [bitmap]];
}
