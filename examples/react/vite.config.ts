import react from "@vitejs/plugin-react";
import { greenroom } from "greenroom/vite";
import { defineConfig } from "vite";
import { createRooms } from "./server/runtime.ts";

export default defineConfig({
  plugins: [react(), greenroom({ runtime: createRooms(), routes: "/server/routes.ts" })],
});
