// The contract of a room, which the page and the server import.
import { contract } from "greenroom/contract";
import * as z from "zod/mini";

const name = z.string().check(z.minLength(1), z.maxLength(40));
const text = z.string().check(z.minLength(1), z.maxLength(500));

/** A text of a member. `at` is in milliseconds since 1970. */
export const line = z.object({ id: z.string(), at: z.number(), name, text });
export type Line = z.infer<typeof line>;

/** A member. The key belongs to its connection, so two tabs are two members. */
const member = z.object({ key: z.string(), name, isTyping: z.boolean() });
export type Member = z.infer<typeof member>;

export const room = contract({
  path: "/ws/room/:room/:name",
  params: z.object({ room: z.string().check(z.regex(/^[\w-]{1,40}$/)), name }),
  client: {
    say: z.object({ text }),
    typing: z.object({ on: z.boolean() }),
    last: { payload: z.object({}), reply: z.object({ lines: z.array(line) }) },
  },
  server: { said: line, members: z.object({ members: z.array(member) }) },
});
