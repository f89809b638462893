// The contract of a room, which the page and the server import.
import { contract } from "greenroom/contract";
import * as z from "zod/mini";

export const room = contract({
  path: "/ws/room/:room",
  client: { say: z.object({ text: z.string().check(z.maxLength(500)) }) },
  server: { said: z.object({ text: z.string() }) },
});
