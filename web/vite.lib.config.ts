import { defineConfig } from "vite";
import { resolve } from "./vite.config.ts";

export default defineConfig({
  base: "./",
  resolve,
  publicDir: false,
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: "dist-lib",
    minify: false,
    lib: { entry: "src/lib/index.ts", formats: ["es"], fileName: "sargan" },
  },
});
