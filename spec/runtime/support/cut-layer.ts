import { ChannelLayer, createRuntime, type MemoryBus } from "greenroom";
import { SimulatedClock } from "xstate";
import type { BackendListener } from "../../../layers/backend.ts";
import { LayerUnavailableError } from "../../../layers/errors.ts";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { until } from "../../layers/support/until.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { opened } from "./cluster.ts";

export const nodeHeartbeatMs = 1_000;

/** A memory backend whose node can be cut off from the bus, in each direction. */
class CutBackend extends MemoryBackend {
  /** `lose` loses the messages of this node silently, and `refuse` rejects each send. */
  sends: "work" | "lose" | "refuse" = "work";
  /** `hold` delivers the messages to this node late, when {@link CutBackend.release} is called. */
  receives: "work" | "lose" | "hold" = "work";
  #listener: BackendListener | undefined;
  readonly #topics = new Set<string>();
  #held: (() => void)[] = [];

  override async open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
    await super.open({
      payload: (...args) => {
        if (this.receives === "work") listener.payload(...args);
        if (this.receives === "hold") this.#held.push(() => listener.payload(...args));
      },
      gap: (...args) => listener.gap(...args),
      error: (error) => listener.error(error),
      get waiting() {
        return listener.waiting ?? 0;
      },
    });
  }

  override async subscribe(topic: string): Promise<void> {
    this.#topics.add(topic);
    await super.subscribe(topic);
  }

  override async publish(...args: Parameters<MemoryBackend["publish"]>): Promise<void> {
    if (this.sends === "refuse") throw new LayerUnavailableError("The server does not answer.");
    if (this.sends === "work") await super.publish(...args);
  }

  /** Delivers the held messages. */
  release(): void {
    for (const deliver of this.#held.splice(0)) deliver();
  }

  gap(): void {
    for (const topic of this.#topics) this.#listener?.gap(topic);
  }
}

/** A runtime on `bus` whose node can be cut off, with a clock of its own. Knows the nodes on the bus. */
export async function startCuttable(bus: MemoryBus, intervalMs = nodeHeartbeatMs) {
  const clock = new JumpingClock();
  const link = new CutBackend(bus, "greenroom");
  const chat = new ChannelLayer(link, { prefix: "greenroom" });
  const runtime = opened(
    createRuntime({ layers: { chat }, clock, nodeHeartbeatMs: intervalMs, onError() {} }),
  );
  await runtime.ready();
  await settle(bus);
  return { runtime, link, clock };
}

export type Cuttable = Awaited<ReturnType<typeof startCuttable>>;

/** A clock that can jump, as it does for a process that was blocked or stopped. */
class JumpingClock extends SimulatedClock {
  jumpedMs = 0;
  override now(): number {
    return super.now() + this.jumpedMs;
  }
}

/** Waits until all messages on the bus have arrived, and those that they cause. */
export async function settle(bus: MemoryBus): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet += 1) {
    await nextTurn();
    if (bus.inFlight > 0) quiet = 0;
    await until(() => bus.inFlight === 0);
  }
}

/** Lets time pass on all nodes, and waits after each step until all messages have arrived. */
export async function pass(
  intervals: number,
  bus: MemoryBus,
  ...nodes: readonly Pick<Cuttable, "clock">[]
): Promise<void> {
  for (let step = 0; step < intervals * 4; step += 1) {
    for (const { clock } of nodes) clock.increment(nodeHeartbeatMs / 4);
    await settle(bus);
  }
}
