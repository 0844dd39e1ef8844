import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const WASM = "ort-wasm-simd-threaded.wasm";
const LOADER = "ort-wasm-simd-threaded.mjs";

/** Puts ONNX Runtime beside the page, packed: not every file server packs what it sends. */
export function runtimeFiles(): Plugin {
  let output = "";
  return {
    name: "runtime-files",
    apply: "build",
    configResolved(config) {
      output = join(config.root, config.build.outDir);
    },
    closeBundle() {
      const source = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
      const { version } = JSON.parse(readFileSync(join(source, "..", "package.json"), "utf8")) as { version: string };
      const folder = join(output, "runtime");
      mkdirSync(folder, { recursive: true });
      const wasm = readFileSync(join(source, WASM));
      const packed = gzipSync(wasm, { level: 9 });
      const path = `runtime/ort-${version}.wasm.gz`;
      writeFileSync(join(output, path), packed);
      const loader = `runtime/ort-${version}.js`;
      copyFileSync(join(source, LOADER), join(output, loader));
      const sha256 = createHash("sha256").update(packed).digest("hex");
      const about = { version, loader, wasm: { path, bytes: packed.length, unpacked: wasm.length, sha256 } };
      writeFileSync(join(folder, "runtime.json"), JSON.stringify(about));
    },
  };
}

/** Puts the policy of `public/headers.json` into the page, for file servers that send no headers. */
export function policy(): Plugin {
  return {
    name: "policy",
    apply: "build",
    transformIndexHtml() {
      const headers = JSON.parse(readFileSync(new URL("public/headers.json", import.meta.url), "utf8")) as Record<string, string>;
      const content = headers["Content-Security-Policy"]!;
      return [{ tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content }, injectTo: "head-prepend" }];
    },
  };
}
