// How the studio page is built: static files in studio/dist, addressed relative to wherever they are served.
import { fileURLToPath } from "node:url"
import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"

const here = fileURLToPath(new URL(".", import.meta.url))

export default defineConfig({
  root: here,
  base: "./",
  plugins: [react()],
  build: {
    outDir: "dist",
    // /assets belongs to a dialect of the API.
    assetsDir: "page",
    chunkSizeWarningLimit: 800,
    emptyOutDir: true,
    // The policy of the page forbids data: fonts and scripts; small files stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
    reportCompressedSize: false,
  },
  server: {
    proxy: Object.fromEntries(["/api", "/files", "/capabilities"].map((p) => [p, "http://127.0.0.1:4700"])),
  },
})
