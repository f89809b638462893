// The contract of a room, which the server and the client import.
import { contract } from "greenroom/contract";
import * as v from "valibot";

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(500));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(40));

export const room = contract({
  path: "/ws/room/:room",
  params: v.object({ room: v.pipe(v.string(), v.regex(/^[\w-]{1,40}$/)) }),
  client: {
    say: v.object({ text }),
    rename: { payload: v.object({ name }), reply: v.object({ before: v.string() }) },
  },
  server: { said: v.object({ name: v.string(), text }) },
});
