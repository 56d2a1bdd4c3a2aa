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
    rolldownOptions: {
      input: { index: "index.html", conversations: "conversations.html", "rhapsode-stage": "src/embed.ts" },
      preserveEntrySignatures: "strict",
      output: {
        // Other people's pages name this file: it keeps its name.
        entryFileNames: ({ name }) => (name === "rhapsode-stage" ? "rhapsode-stage.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  server: {
    proxy: {
      "/api": server,
      "/avatars": server,
      "/samples": server,
      "/ws": { target: server, ws: true },
    },
  },
});
