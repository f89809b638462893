import { createRuntime, handlers, MemoryBus, MemoryLayer, type Runtime, WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";

export type ChatRuntime = Runtime<{ chat: MemoryLayer }>;

const open: { close(options?: object): Promise<void> }[] = [];

/** Registers a runtime to be closed by {@link stopCluster}. */
export function opened<R extends { close(options?: object): Promise<void> }>(runtime: R): R {
  open.push(runtime);
  return runtime;
}

type Cluster<N extends number> = N extends 1
  ? [ChatRuntime]
  : N extends 2
    ? [ChatRuntime, ChatRuntime]
    : [ChatRuntime, ChatRuntime, ChatRuntime];

/** Starts runtimes on one bus, and waits until they know each other. */
export async function startCluster<N extends 1 | 2 | 3>(
  count: N,
  options: object = {},
  bus = new MemoryBus(),
): Promise<Cluster<N>> {
  const runtimes = Array.from({ length: count }, () =>
    opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) }, onError() {}, ...options })),
  );
  await Promise.all(runtimes.map((runtime) => runtime.ready()));
  for (const runtime of runtimes) await until(() => runtime.nodes.length === count);
  return runtimes as Cluster<N>;
}

/** Closes all registered runtimes. For `afterEach`. */
export async function stopCluster(): Promise<void> {
  await Promise.all(open.splice(0).map((runtime) => runtime.close({ drainMs: 100 })));
}

export interface Orders {
  note: { text: string };
  add: { numbers: number[] };
  fail: { how: string };
  hold: object;
  odd: object;
  relay: { to: string; timeoutMs: number };
  self: object;
  poll: { group: string };
}

/** An actor that answers asks. */
export class Clerk extends WebSocketConsumer<{ messages: Orders }> {
  static override readonly layer = "chat";
  static override readonly supervision = { onFailure: "resume" } as const;
  static override readonly on = handlers<Clerk>({
    note({ text }) {
      this.send(text);
      return `noted ${text}`;
    },
    add: async ({ numbers }) => numbers.reduce((sum, number) => sum + number, 0),
    fail({ how }) {
      if (how === "throw") throw new Error("thrown");
      return how === "reject" ? Promise.reject(new Error("rejected")) : Promise.resolve();
    },
    hold() {
      this.send("holding");
      return new Promise<void>((resolve) => this.signal.addEventListener("abort", () => resolve()));
    },
    odd: () => new Map(),
    relay({ to, timeoutMs }) {
      return this.ask(to, { type: "relay", to: this.channel, timeoutMs }, { timeoutMs });
    },
    self() {
      return this.ask(this.channel, { type: "note", text: "to myself" });
    },
    async poll({ group }) {
      const { replies } = await this.askGroup(group, { type: "note", text: "?" });
      return replies.length;
    },
  });
  override async connect() {
    await this.accept();
    const group = this.scope.query.get("group");
    if (group !== null) await this.groupAdd(group);
    const tag = this.scope.query.get("tag");
    if (tag !== null) this.tag(tag);
  }
}

export const query = (text: string) => ({ query: new URLSearchParams(text) });

export const codeOf = (error: unknown) => (error as { readonly code?: unknown }).code;
