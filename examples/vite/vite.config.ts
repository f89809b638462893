import { greenroom } from "greenroom/vite";
import { defineConfig } from "vite";
import { createRooms } from "./server/runtime.ts";

export default defineConfig({
  plugins: [greenroom({ runtime: createRooms(), routes: "/server/routes.ts" })],
});
