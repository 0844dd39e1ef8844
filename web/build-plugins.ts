import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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

const EXAMPLES: readonly [path: string, title: string][] = [
  ["portraits/oil-eileen-collins.jpg", "Oil painting"],
  ["statues/marble.jpg", "Marble"],
  ["avatars/avatar-girl.jpg", "Avatar"],
  ["photos/grace-hopper.jpg", "Photograph"],
  ["portraits/pencil-grace-hopper.jpg", "Pencil drawing"],
  ["statues/bronze.jpg", "Bronze"],
];
const BUNDLED = ["fast-png", "fflate", "gifenc", "iobuffer", "mediabunny"]; // what is in the scripts beside ONNX Runtime

/** Puts the project's example pictures beside the page; `sargan export --web` adds what its model makes of them. */
export function examplePictures(): Plugin {
  let output = "";
  return {
    name: "example-pictures",
    apply: "build",
    configResolved(config) {
      output = join(config.root, config.build.outDir, "examples");
    },
    closeBundle() {
      mkdirSync(output, { recursive: true });
      const listed = EXAMPLES.map(([path, title]) => {
        const name = path.slice(path.indexOf("/") + 1);
        copyFileSync(new URL(`../examples/${path}`, import.meta.url), join(output, name));
        return { title, name };
      });
      writeFileSync(join(output, "titles.json"), JSON.stringify(listed));
    },
  };
}

/** Puts the licences of everything that is in the folder into one file. */
export function licences(): Plugin {
  let output = "";
  return {
    name: "licences",
    apply: "build",
    configResolved(config) {
      output = join(config.root, config.build.outDir);
    },
    closeBundle() {
      const own = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
      const texts: [string, string][] = [
        ["sargan_hf: page, library and model", own("../LICENSE")],
        ["Example pictures", own("../examples/LICENSES.md")],
        ["YuNet, which finds faces", own("../sargan_hf/faces/assets/LICENSE-YuNet.txt")],
        ["ONNX Runtime", own("licences/onnxruntime.txt")],
        ...BUNDLED.map((name): [string, string] => [name, licenceOf(name)]),
      ];
      const rule = "=".repeat(78);
      writeFileSync(join(output, "LICENSES.txt"), texts.map(([title, text]) => `${rule}\n${title}\n${rule}\n\n${text.trim()}\n`).join("\n"));
    },
  };
}

function licenceOf(name: string): string {
  const folder = new URL(`node_modules/${name}/`, import.meta.url);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence file: look it up before it is bundled.`);
  return readFileSync(new URL(file, folder), "utf8");
}
