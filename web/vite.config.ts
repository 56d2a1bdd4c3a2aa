import { defineConfig } from "vite";

const server = "http://127.0.0.1:8420";

export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/rhapsode/server/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    target: "es2022",
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/api": server,
      "/avatars": server,
      "/ws": { target: server, ws: true },
    },
  },
});
