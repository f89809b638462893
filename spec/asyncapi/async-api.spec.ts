import { expect } from "chai";
import { contractConsumer } from "greenroom";
import { type AsyncApiDocument, AsyncApiError, asyncApi, type JsonSchema } from "greenroom/asyncapi";
import { contract } from "greenroom/contract";
import * as v from "valibot";
import { createMachine } from "xstate";
import { z } from "zod";
import { auction, room, withArktype } from "./contracts.ts";

const info = { title: "Chat", version: "1.2.3" };

/** The payload of a message of the only channel. */
function payloadOf(document: AsyncApiDocument, message: string): JsonSchema {
  const messages = Object.values(document.channels).map((channel) => channel.messages[message]);
  return (messages[0] as { readonly payload: JsonSchema }).payload;
}

describe("asyncApi", () => {
  it("describes a path with its parameters as a channel", () => {
    const document = asyncApi([room], info);
    expect(document.info).to.deep.equal(info);
    const { ws_room_room: channel, ...others } = document.channels;
    expect(others).to.deep.equal({});
    expect(channel?.address).to.equal("/ws/room/{room}");
    expect(channel?.parameters?.room).to.deep.include({
      description: "The name of the room. 1 to 90 characters",
    });
    expect(asyncApi([withArktype], info).channels.ws_ark_id?.parameters?.id?.enum).to.have.members([
      "one",
      "two",
    ]);
  });

  it("receives the frames of the client, and sends those of the server, and errors", () => {
    const { operations } = asyncApi([auction], info);
    expect(Object.entries(operations).map(([key, { action }]) => [key, action])).to.deep.equal([
      ["ws_lot_lot.client.open", "receive"],
      ["ws_lot_lot.client.bid", "receive"],
      ["ws_lot_lot.client.look", "receive"],
      ["ws_lot_lot.server.state", "send"],
      ["ws_lot_lot.error", "send"],
    ]);
    const inChannel = (message: string) => ({ $ref: `#/channels/ws_lot_lot/messages/${message}` });
    expect(operations["ws_lot_lot.client.bid"]?.reply).to.deep.equal({
      channel: { $ref: "#/channels/ws_lot_lot" },
      messages: [inChannel("reply.bid"), inChannel("error")],
    });
    expect(operations["ws_lot_lot.client.look"]).not.to.have.property("reply");
  });

  it("describes frames with their envelope, and an `id` only for frames that ask", () => {
    const document = asyncApi([room], info);
    expect(payloadOf(document, "client.say")).to.deep.equal({
      type: "object",
      description: "Says something to all members",
      properties: { type: { const: "say" }, text: { type: "string", minLength: 1, maxLength: 2_000 } },
      required: ["type", "text"],
    });
    const { properties, required } = payloadOf(document, "client.rename");
    expect(properties).to.have.keys("type", "id", "name");
    expect(required).to.deep.equal(["type", "name"]);
    expect(payloadOf(document, "reply.rename").properties).to.deep.include({
      type: { const: "greenroom.reply" },
      value: { $ref: "#/components/schemas/Member" },
    });
  });

  it("carries a payload that is not an object as `value`", () => {
    const document = asyncApi([room], info);
    const expected = (type: string) => ({
      type: "object",
      properties: { type: { const: type }, value: { type: "number" } },
      required: ["type", "value"],
    });
    expect(payloadOf(document, "client.count")).to.deep.equal(expected("count"));
    expect(payloadOf(document, "server.tick")).to.deep.equal(expected("tick"));
    const either = contract({ path: "/", client: { x: z.object({ a: z.null() }).nullable() }, server: {} });
    const { anyOf } = payloadOf(asyncApi([either], info), "client.x") as { readonly anyOf: JsonSchema[] };
    expect(anyOf.map(({ required }) => required)).to.deep.equal([
      ["type", "a"],
      ["type", "value"],
    ]);
  });

  it("adds the envelope to each alternative of a payload, and to a strict one", () => {
    const document = asyncApi([room], info);
    const { anyOf, ...others } = payloadOf(document, "client.move") as { readonly anyOf: JsonSchema[] };
    expect(others).to.deep.equal({});
    expect(anyOf.map(({ required }) => required)).to.deep.equal([
      ["type", "to"],
      ["type", "by"],
    ]);
    expect(payloadOf(document, "server.typing")).to.deep.equal({
      type: "object",
      properties: { type: { const: "typing" }, on: { type: "boolean" } },
      required: ["type", "on"],
      additionalProperties: false,
    });
  });

  it("shares equal definitions, keeps different ones apart, and describes recursion", () => {
    const { components, channels } = asyncApi([room], info);
    const branches = { type: "array", items: { $ref: "#/components/schemas/ws_room_room.client.plant" } };
    expect(Object.keys(components.schemas ?? {})).to.deep.equal([
      "Member",
      "ws_room_room.client.plant",
      "ws_room_room.reply.plant.__schema0",
    ]);
    expect(components.schemas?.["ws_room_room.client.plant"]?.properties).to.deep.include({ branches });
    const { properties } = payloadOf(asyncApi([room], info), "client.plant");
    expect(properties).to.deep.include({ branches });
    const other = contract({
      path: "/other",
      client: { x: z.array(z.object({ id: z.number() }).meta({ id: "Member" })) },
      server: {},
    });
    const both = asyncApi([room, other], info);
    expect(both.channels.ws_room_room).to.deep.equal(channels.ws_room_room);
    expect(both.components.schemas?.Member_2?.properties).to.deep.equal({ id: { type: "number" } });
  });

  it("replaces references only, not data or names that look like one", () => {
    const likeOne = { $ref: "#/definitions/z" };
    const Id = z.string().meta({ id: "Id" });
    const odd = contract({
      path: "/odd",
      client: { x: z.object({ $ref: z.string(), y: z.object().loose().default(likeOne), const: Id }) },
      server: {},
    });
    const { properties } = payloadOf(asyncApi([odd], info), "client.x") as {
      readonly properties: JsonSchema;
    };
    expect(properties).to.deep.include({
      $ref: { type: "string" },
      const: { $ref: "#/components/schemas/Id" },
    });
    expect(properties.y).to.deep.include({ default: likeOne });
  });

  it("describes a payload as it travels, before its schema transforms it", () => {
    const transformed = contract({
      path: "/t",
      client: { x: z.object({ at: z.string().transform((text) => text.length), n: z.number().default(1) }) },
      server: {},
    });
    const { properties, required } = payloadOf(asyncApi([transformed], info), "client.x");
    expect(properties).to.deep.include({ at: { type: "string" } });
    expect(required).to.deep.equal(["type", "at"]);
  });

  it("describes a contract once, and takes it from classes, too", () => {
    class Room extends contractConsumer(room) {}
    class Again extends Room {}
    expect(asyncApi([Room, room, Again], info)).to.deep.equal(asyncApi([room], info));
  });

  it("gives each path a legal key of its own", () => {
    const at = (path: string) => contract({ path, client: {}, server: {} });
    const paths = ["/", "/ws/@a", "/ws/:_a", "/ws/%20/x.y", "/__proto__"];
    const { channels } = asyncApi(paths.map(at), info);
    expect(Object.keys(channels)).to.deep.equal(["root", "ws__a", "ws__a_2", "ws__20_x_y", "__proto__"]);
  });

  it("lists the frames that a machine takes in each state", () => {
    const machine = createMachine({
      id: "lot",
      initial: "idle",
      on: { "frame.look": { actions: () => {} } },
      states: {
        idle: { on: { "frame.open": "open", "frame.bid": { target: "open", guard: () => false } } },
        open: {
          initial: "calm",
          on: { "frame.bid": ".calm" },
          states: {
            calm: {},
            going: { on: { "frame.look": {} } },
            frozen: { on: { "frame.*": {} } },
          },
        },
        sold: { type: "final" },
      },
    });
    const { channels } = asyncApi([{ contract: auction, machine }], info);
    expect(channels.ws_lot_lot?.["x-states"]).to.deep.equal({
      idle: ["open", "bid", "look"],
      "open.calm": ["bid", "look"],
      "open.going": ["bid"],
      "open.frozen": [],
      sold: [],
    });
  });

  it("lists the frames of parallel states, of wildcards, and of a machine without states", () => {
    const parallel = createMachine({
      type: "parallel",
      states: {
        a: { initial: "x", states: { x: { on: { "frame.open.*": "y" } }, y: { on: { "*": "x" } } } },
        b: { on: { "frame.bid": { actions: () => {} } } },
      },
    });
    const statesOf = (machine: typeof parallel) =>
      asyncApi([{ contract: auction, machine }], info).channels.ws_lot_lot?.["x-states"];
    expect(statesOf(parallel)).to.deep.equal({ "a.x": ["open"], "a.y": ["open", "bid", "look"], b: ["bid"] });
    const flat = createMachine({ id: "flat", on: { "frame.*": { actions: () => {} } } });
    expect(statesOf(flat as never)).to.deep.equal({ flat: ["open", "bid", "look"] });
  });

  const refused = (client: Record<string, z.ZodType>, message: RegExp) =>
    expect(() => asyncApi([contract({ path: "/x/:id", client, server: {} })], info)).to.throw(
      AsyncApiError,
      message,
    );

  it("names the frame whose schema cannot be written, and the remedy", () => {
    refused({ when: z.date() }, /the frame "when" of \/x\/:id cannot be written as JSON Schema: Date /);
    const plain = contract({ path: "/x", client: {}, server: { said: v.object({ text: v.string() }) } });
    expect(() => asyncApi([plain], info)).to.throw(
      AsyncApiError,
      'the frame "said" of /x does not speak Standard JSON Schema, so it cannot be described: wrap it with toStandardJsonSchema',
    );
  });

  it("refuses a schema whose library returns no object", () => {
    const jsonSchema = { input: () => undefined, output: () => undefined };
    const schema = { "~standard": { ...z.object({})["~standard"], jsonSchema } };
    refused({ say: schema as never }, /its library returns undefined instead of an object/);
  });

  it("takes a name with a percent sign, and a payload that is an alternative of itself", () => {
    const part = z.object({ n: z.number() }).meta({ id: "100%" });
    const self: z.ZodType<object> = z.lazy(() => z.union([z.object({ part }), self]));
    const { components } = asyncApi([contract({ path: "/x", client: { say: self }, server: {} })], info);
    expect(Object.keys(components.schemas ?? {})).to.have.members(["100_", "x.client.say"]);
  });

  it("refuses two contracts with one path, and sources without a contract", () => {
    const twin = contract({ path: "/ws/room/:name", client: {}, server: {} });
    expect(() => asyncApi([room, twin], info)).to.throw(
      AsyncApiError,
      'Two contracts have the path "/ws/room/:name"',
    );
    expect(() => asyncApi([class Plain {} as never], info)).to.throw(AsyncApiError, "Plain has no contract");
  });
});
