import { defaultClientConditions, defineConfig } from "vite";
import { examplePictures, licences, policy, runtimeFiles } from "./build-plugins.ts";

// The runtime's own files are served beside the page, not inside its script.
export const resolve = { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] };

export default defineConfig({
  base: "./",
  resolve,
  plugins: [policy(), examplePictures(), licences(), runtimeFiles()],
  worker: { format: "es" },
  build: { target: "es2022", modulePreload: false, chunkSizeWarningLimit: 600, assetsInlineLimit: 0 },
});
