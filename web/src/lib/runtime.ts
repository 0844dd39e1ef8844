import * as ort from "onnxruntime-web/wasm";
import type { GraphName, RunGraph } from "./engine";
import { ModelError } from "./errors";
import { joined } from "./packing";
import { letGo } from "./pixels";
import type { Manifest, ManifestFile } from "./types";

const MOST_THREADS = 4; // more wait for one another on graphs of this size
const FIRST_NEEDED: readonly GraphName[] = ["faces", "start", "edit", "scale", "mouth_start", "mouth"]; // in the order of an edit

/** Fetches `sargan.json`, the runtime and the graphs of a folder, all of its own, and begins to make them ready. */
export async function loadRuntime(
  folder: URL,
  threads: number | undefined,
  onProgress: (loaded: number, total: number) => void,
): Promise<{ manifest: Manifest; run: RunGraph; threads: number }> {
  const manifest = await fetchManifest(folder);
  const { runtime, graphs } = manifest;
  const names = FIRST_NEEDED.filter((name) => graphs[name]);
  const total = runtime.wasm.bytes + names.reduce((sum, name) => sum + graphs[name].bytes, 0);
  let loaded = 0;
  const fetched = (file: ManifestFile) =>
    fetchFile(folder, file, (bytes) => {
      loaded += bytes;
      onProgress(Math.min(loaded, total), total);
    });
  const graph = async (name: GraphName) => joined(new Uint8Array(await fetched(graphs[name])), graphs[name].halves);
  const [wasm, models] = await Promise.all([fetched(runtime.wasm), Promise.all(names.map(graph))]);
  const usable = usableThreads(threads);
  ort.env.wasm.numThreads = usable;
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.wasmPaths = { mjs: new URL(runtime.loader, folder).href };
  const sessions = startSessions(names, models);
  // The first session compiles the runtime, whose own bytes nobody needs afterwards.
  void sessions[names[0]!].then(() => letGo({ buffer: wasm }), () => undefined);
  return { manifest, threads: usable, run: async (name, inputs) => run(await sessions[name], inputs) };
}

/**
 * Makes the graphs ready one after another, as the runtime does one thing at a time. Nobody has to wait for all of them: who
 * runs a graph waits for that one.
 */
function startSessions(names: readonly GraphName[], models: (Uint8Array | undefined)[]): Record<GraphName, Promise<ort.InferenceSession>> {
  const sessions = {} as Record<GraphName, Promise<ort.InferenceSession>>;
  let before: Promise<unknown> = Promise.resolve();
  for (const [index, name] of names.entries()) {
    sessions[name] = before.then(() => {
      const model = models[index]!;
      models[index] = undefined; // the runtime has its own copy
      return session(name, model);
    });
    before = sessions[name].catch(() => undefined); // said to whoever runs it
  }
  return sessions;
}

async function run(model: ort.InferenceSession, inputs: Parameters<RunGraph>[1]): Promise<Record<string, Float32Array>> {
  const feeds: Record<string, ort.Tensor> = {};
  for (const [name, { data, dims }] of Object.entries(inputs)) feeds[name] = new ort.Tensor("float32", data, dims);
  const outputs = await model.run(feeds);
  const results: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries(outputs)) results[name] = tensor.data as Float32Array;
  return results;
}

async function session(name: string, model: Uint8Array): Promise<ort.InferenceSession> {
  try {
    // Prepacked weights are a second copy, and no faster here.
    const extra = { session: { disable_prepacking: "1" } };
    return await ort.InferenceSession.create(model, { executionProviders: ["wasm"], extra });
  } catch (error) {
    throw new ModelError(`The graph "${name}" does not load (${text(error)}): write the folder again with \`sargan export --web\`.`);
  }
}

async function fetchManifest(folder: URL): Promise<Manifest> {
  const response = await answer(new URL("sargan.json", folder));
  try {
    return (await response.json()) as Manifest;
  } catch (error) {
    throw new ModelError(`${response.url} is not what \`sargan export --web\` wrote (${text(error)}): give the folder that it made.`);
  }
}

/** The bytes of a file. Files are packed, so that they arrive small from any file server. */
async function fetchFile(folder: URL, file: ManifestFile, arrived: (bytes: number) => void): Promise<ArrayBuffer> {
  const response = await answer(new URL(file.path, folder));
  const counted = response.body!.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        arrived(chunk.byteLength);
        controller.enqueue(chunk);
      },
    }),
  );
  const packed = await new Response(counted).arrayBuffer();
  // A server that says `Content-Encoding: gzip` for .gz files has it unpacked on the way.
  if (packed.byteLength === file.unpacked) return packed;
  try {
    return await new Response(new Response(packed).body!.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  } catch (error) {
    throw new ModelError(`${response.url} is damaged (${text(error)}): copy the folder again.`);
  }
}

async function answer(url: URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new ModelError(`${url} cannot be fetched (${text(error)}): check the address, and that its server is on.`);
  }
  if (!response.ok) throw new ModelError(`${url} answers ${response.status}: give a folder that \`sargan export --web\` wrote.`);
  return response;
}

function usableThreads(wanted: number | undefined): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.max(1, Math.min(wanted ?? MOST_THREADS, navigator.hardwareConcurrency || 1));
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
