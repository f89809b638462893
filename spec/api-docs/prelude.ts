// The names that an `@example` of a docstring may use without a declaration, so that short examples stay short.
// The names that the package exports need no declaration, either.
import type express from "express";
import { contractConsumer, JsonWebSocketConsumer, type Runtime, WebSocketConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import type { Communicator } from "greenroom/testing";
import { createMachine, fromPromise, type SimulatedClock, setup } from "xstate";
import * as z from "zod";

export { createReadStream } from "node:fs";
export { writeFile } from "node:fs/promises";
export { createServer, type IncomingMessage, type ServerResponse } from "node:http";
export {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-node";
export { expect } from "chai";
export { default as session } from "express-session";
export { pack, unpack } from "msgpackr";
export { useState } from "react";
export { default as superjson } from "superjson";
export { defineConfig } from "vite";
export { createMachine, emit, fromPromise, setup } from "xstate";
export type { express };
export { z };

/** The contract of the examples. */
export const roomChat = contract({
  path: "/ws/room/:room",
  client: {
    say: z.object({ text: z.string() }),
    rename: { payload: z.object({ name: z.string() }), reply: z.object({ members: z.number() }) },
  },
  server: { said: z.object({ from: z.string(), text: z.string() }) },
});

/** The contract of an auction. */
export const auction = contract({
  path: "/ws/auction/:lot",
  client: { bid: z.object({ amount: z.number() }) },
  server: { sold: z.object({ to: z.string() }) },
});

export interface User {
  readonly id: string;
  readonly name: string;
  readonly isAdmin: boolean;
}

export interface Messages {
  said: { from: string; text: string };
}

/** The messages of {@link Base}. */
export interface RoomMessages {
  room_message: { message: string };
}

/** The messages of a named actor. */
export interface LotMessages {
  bid: { by: string; amount: number };
}

/** The view of a named actor. */
export interface LotView {
  readonly best: number;
}

/** The class around members and statements of a consumer. */
export class Base extends JsonWebSocketConsumer<{ messages: RoomMessages; params: "lot"; user: User }> {}

/** The same for examples with a contract. */
export class ContractBase extends contractConsumer(roomChat)<{ messages: Messages; user: User }> {
  name = "";
  readonly group: string = "room";
}

/** A consumer without a contract. */
export class RoomChat extends WebSocketConsumer<{ params: "room_name" }> {}
export class Auction extends contractConsumer(auction) {}
export class Reader extends WebSocketConsumer<{ user: string }> {}

export interface Database {
  load(key: string): Promise<string>;
  addItem(text: string): Promise<void>;
}

export declare function openDatabase(): Promise<Database>;

declare module "express-session" {
  interface SessionData {
    user?: User;
  }
}

/** A machine with an actor that needs a database. */
export const note = setup({
  actors: { load: fromPromise<string, string>(() => Promise.reject(new Error("Not provided"))) },
}).createMachine({ invoke: { src: "load", input: "key" } });

export const lotMachine = createMachine({ types: { input: {} as { lot: string } } });
export declare const Turnstile: ReturnType<typeof import("greenroom").machineConsumer<typeof lotMachine>>;

export declare const runtime: Runtime<Record<"chat", import("greenroom").ChannelLayer>, User>;
export declare const layers: Record<"chat", import("greenroom").ChannelLayer>;
export declare const layer: import("greenroom").ChannelLayer;
export declare const room: import("greenroom").ChannelLayer;
export declare const lots: import("greenroom").NamedActors<LotMessages, LotView>;
export declare const actor: import("greenroom").ActorRef;
export declare const gate: import("greenroom").ActorRef;
export declare const client: Communicator;
export declare const clock: SimulatedClock;

export declare const sessions: { find(cookie: string | undefined): Promise<User | undefined> };
export declare const tokens: { current(): Promise<string> };
export declare const gauge: { set(values: Record<string, number>): void };
export declare const exporter: import("@opentelemetry/sdk-trace-node").SpanExporter;
export declare const superJson: import("greenroom").FrameCodec;
export declare const signal: AbortSignal;
export declare const app: { use(middleware: unknown): void };
export declare const path: string;
export declare const secret: string;
export declare const topic: string;
export declare const reason: string;
export declare const password: string;
export declare const lastSeen: import("greenroom").Position;
export declare function tokenOf(user: string): Promise<string>;
export declare function shrink(file: unknown, signal: AbortSignal): Promise<string>;
export declare function resize(message: object, signal: AbortSignal): Promise<void>;
export declare function render(view: unknown): void;
export declare function serveFiles(
  request: import("node:http").IncomingMessage,
  response: import("node:http").ServerResponse,
): void;
