import { contract } from "greenroom/contract";
import { z } from "zod";

/** A member of a room. The key belongs to the member's connection, so two tabs are two members. */
const member = z.object({ key: z.string(), name: z.string() });

/** A text of a member. `at` is in milliseconds since 1970. */
export const said = member.extend({ text: z.string(), at: z.number() });

/** The number of texts in `welcome`. */
export const lastTexts = 50;

/** The frames of a room with names, which the server and a client share. */
export const talk = contract({
  path: "/ws/talk/:room",
  params: z.object({
    room: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,90}$/, "Use 1 to 90 of the letters A–Z and a–z, digits, '-', '_' and '.'."),
  }),
  client: {
    /** Every member gets `said`. */
    say: z.object({ text: z.string().min(1).max(2_000) }),
    /** Every member gets `renamed`. */
    rename: {
      payload: z.object({ name: z.string().min(1).max(40) }),
      reply: z.object({ name: z.string() }),
    },
    /** Every other member gets `typing`. Ends by itself after 5 s. */
    typing: z.object({ on: z.boolean() }),
  },
  server: {
    /** The first frame: the client's own key and name, the members, and the last texts, oldest first. */
    welcome: member.extend({ members: z.array(member), last: z.array(said).max(lastTexts) }),
    said,
    came: member,
    renamed: member,
    went: z.object({ key: z.string() }),
    typing: z.object({ key: z.string(), on: z.boolean() }),
  },
});
