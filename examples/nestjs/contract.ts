// The frames of the board, which the server and its clients share.
import { contract as define } from "greenroom/contract";
import * as z from "zod";

const text = z.string().min(1).max(500);
const note = z.object({ id: z.number(), by: z.string(), text });
export type Note = z.infer<typeof note>;

export const contract = define({
  path: "/ws/board",
  client: { write: z.object({ text }) },
  server: { written: note },
});
