// The frames that the page and the server send each other. Both import this file.
import { contract } from "greenroom/contract";
import * as z from "zod";

const name = z.string().min(1).max(40);
const text = z.string().min(1).max(2_000);

export const room = contract({
  path: "/ws/room/:room",
  params: z.object({ room: z.string().regex(/^[\w.-]{1,90}$/) }),
  client: {
    rename: z.object({ name }),
    say: z.object({ text }),
  },
  server: {
    said: z.object({ name, text }),
  },
});
