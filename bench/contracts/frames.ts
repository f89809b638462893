import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import * as v from "valibot";
import { setup } from "xstate";
import { z } from "zod";
import { contract } from "../../contract/index.ts";
import {
  type ConsumerClass,
  contractConsumer,
  createRuntime,
  type FrameEvents,
  frames,
  JsonWebSocketConsumer,
  machineConsumer,
  WebSocketConsumer,
} from "../../index.ts";
import type { Figures } from "../harness/results.ts";
import { leastCpuOf } from "./least-cpu.ts";
import { onError } from "./on-error.ts";

/** The payload of the frame: three fields. */
interface Move {
  readonly name: string;
  readonly score: number;
  readonly ready: boolean;
}

const frame = JSON.stringify({ type: "move", name: "Ada Lovelace", score: 42, ready: true });

const inZod = z.object({ name: z.string(), score: z.number(), ready: z.boolean() });
const inValibot = v.object({ name: v.string(), score: v.number(), ready: v.boolean() });
const inArkType = type({ name: "string", score: "number", ready: "boolean" });

let total = 0;

/** The work of every row for a frame. */
function take({ name, score, ready }: Move): void {
  if (ready && name.length === 12) total += score;
}

class Text extends WebSocketConsumer {
  override receive(text: string) {
    const value = JSON.parse(text);
    if (value.type === "move") take(value);
  }
}

/** A consumer without a contract. @param parse checks the frame by hand */
function withoutContract(parse: (value: unknown) => Move) {
  return class extends JsonWebSocketConsumer {
    override receive(value: unknown) {
      if ((value as { readonly type?: unknown }).type === "move") take(parse(value));
    }
  };
}

function withContract(schema: StandardSchemaV1<Move>) {
  const moves = contract({ path: "/moves", client: { move: schema }, server: {} });
  return class Mover extends contractConsumer(moves) {
    static override readonly frames = frames<Mover>({
      move(payload) {
        take(payload);
      },
    });
  };
}

const moving = setup({ types: { events: {} as FrameEvents<{ move: Move }> } }).createMachine({
  id: "moving",
  on: { "frame.move": { actions: ({ event }) => take(event.frame) } },
});

const consumers = {
  text: Text,
  json: withoutContract((value) => value as Move),
  zodByHand: withoutContract((value) => inZod.parse(value)),
  zod: withContract(inZod),
  valibotByHand: withoutContract((value) => v.parse(inValibot, value)),
  valibot: withContract(inValibot),
  arkTypeByHand: withoutContract((value) => inArkType.assert(value)),
  arkType: withContract(inArkType),
  machine: machineConsumer(moving),
} satisfies Record<string, ConsumerClass>;

export type FrameRow = keyof typeof consumers;

/** Passes `count` valid frames to an actor, repeatedly. @returns microseconds of CPU per frame */
export async function measureFrames(row: FrameRow, count: number): Promise<Figures> {
  const Consumer: ConsumerClass = consumers[row];
  const runtime = createRuntime({ layers: {}, validateOutgoing: false, onError });
  const actor = await runtime.spawn(Consumer as ConsumerClass & { readonly layer: undefined });
  const least = await leastCpuOf(() => {
    total = 0;
    for (let index = 0; index < count; index += 1) actor.receive(frame);
    if (total !== count * 42) throw new Error("Some frames were not handled.");
  });
  await runtime.close();
  return { each: least / count };
}
