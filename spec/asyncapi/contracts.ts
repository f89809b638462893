import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import { contract } from "greenroom/contract";
import * as v from "valibot";
import { z } from "zod";

const Member = z.object({ key: z.string(), name: z.string() }).meta({ id: "Member" });
const Tree = z.object({
  name: z.string(),
  get branches() {
    return z.array(Tree);
  },
});

/** Contracts with zod's schemas: shared definitions, recursion, unions, bare payloads, parameters. */
export const room = contract({
  path: "/ws/room/:room",
  params: z.object({ room: z.string().min(1).max(90).describe("The name of the room") }),
  client: {
    say: z.object({ text: z.string().min(1).max(2_000) }).describe("Says something to all members"),
    rename: { payload: z.object({ name: z.string().max(40) }), reply: Member },
    count: z.number(),
    move: z.union([z.object({ to: z.string() }), z.object({ by: z.tuple([z.number(), z.number()]) })]),
    typing: z.strictObject({ on: z.boolean() }),
    plant: { payload: Tree, reply: z.array(Tree) },
    labels: z.record(z.enum(["a", "b"]), z.string()),
  },
  server: {
    said: z.object({ from: z.string(), text: z.string() }),
    members: z.object({ members: z.array(Member) }),
    typing: z.strictObject({ on: z.boolean() }),
    tick: z.number(),
  },
});

export const withArktype = contract({
  path: "/ws/ark/:id",
  params: type({ id: "'one' | 'two'" }),
  client: {
    say: type({ text: "string <= 20", "at?": "number" }),
    sum: { payload: type("number[]"), reply: type("number") },
  },
  server: { said: type({ text: "string" }) },
});

export const withValibot = contract({
  path: "/ws/valibot",
  client: {
    say: toStandardJsonSchema(v.object({ text: v.pipe(v.string(), v.maxLength(20)) })),
    flip: { payload: toStandardJsonSchema(v.boolean()), reply: toStandardJsonSchema(v.boolean()) },
  },
  server: { said: toStandardJsonSchema(v.object({ text: v.string() })) },
});

export const auction = contract({
  path: "/ws/lot/:lot",
  client: {
    open: { payload: z.object({ seconds: z.int().min(5) }), reply: z.object({ closesAt: z.number() }) },
    bid: { payload: z.object({ amount: z.int() }), reply: z.object({ leading: z.literal(true) }) },
    look: z.object({}),
  },
  server: { state: z.object({ state: z.enum(["idle", "open", "sold"]) }) },
});
