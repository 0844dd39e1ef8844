import { defaultClientConditions, defineConfig } from "vite";
import { runtimeFiles } from "./runtime-files";

// The runtime's own files are served beside the page, not inside its script.
export const resolve = { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] };

export default defineConfig({
  base: "./",
  resolve,
  plugins: [runtimeFiles()],
  worker: { format: "es" },
  build: { target: "es2022", modulePreload: false, chunkSizeWarningLimit: 600, assetsInlineLimit: 0 },
});
