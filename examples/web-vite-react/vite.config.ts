import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  base: "./",
  // The package finds its worker and its module beside itself: `vite dev` is to leave it where it is.
  optimizeDeps: { exclude: ["telecine"] },
});
