import { contract } from "greenroom/contract";
import { z } from "zod";

/** A member of a room. The key belongs to the member's connection, so two tabs are two members. */
const member = z.object({ key: z.string(), name: z.string() });

/** A text of a member. `at` is in milliseconds since 1970. */
export const said = member.extend({ text: z.string(), at: z.number() });

/** The number of texts in `welcome`. */
export const lastTexts = 50;

/** The frames of a room with names, which the server and a client share. `/asyncapi` shows the descriptions. */
export const talk = contract({
  path: "/ws/talk/:room",
  params: z.object({
    room: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,90}$/, "Use 1 to 90 of the letters A–Z and a–z, digits, '-', '_' and '.'."),
  }),
  client: {
    say: z.object({ text: z.string().min(1).max(2_000) }).describe("Every member gets `said`."),
    rename: {
      payload: z.object({ name: z.string().min(1).max(40) }).describe("Every member gets `renamed`."),
      reply: z.object({ name: z.string() }),
    },
    typing: z
      .object({ on: z.boolean() })
      .describe("Every other member gets `typing`. Ends by itself after 5 s."),
  },
  server: {
    welcome: member
      .extend({ members: z.array(member), last: z.array(said).max(lastTexts) })
      .describe(
        "The first frame: the client's own key and name, the members, and the last texts, oldest first.",
      ),
    said: said.describe("A text of a member. `at` is in milliseconds since 1970."),
    came: member.describe("A member has joined the room."),
    renamed: member.describe("A member has another name."),
    went: z.object({ key: z.string() }).describe("A member has left the room."),
    typing: z.object({ key: z.string(), on: z.boolean() }).describe("Another member types, or has stopped."),
  },
});
