import { contract } from "greenroom/contract";
import { z } from "zod";

/** The contract between the pages and the servers of the specs for browsers. */
export const talk = contract({
  path: "/talk/:room",
  params: z.object({ room: z.string() }),
  client: { say: z.object({ text: z.string() }) },
  server: { said: z.object({ text: z.string() }) },
});
