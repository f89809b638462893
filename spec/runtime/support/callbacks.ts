// A program whose callbacks leave errors behind. callbacks.spec.ts runs it in a process of its own, because
// mocha listens to such errors, too. Prints the stage of each report as `<callback>: <stage>`.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Consumer,
  type ConsumerContext,
  createRuntime,
  type Effect,
  handlers,
  MemoryLayer,
  type Message,
  machineConsumer,
  type Runtime,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { communicate } from "greenroom/testing";
import { Redis } from "ioredis";
import { WebSocket } from "ws";
import { fromCallback, SimulatedClock, setup } from "xstate";
import { gate } from "../../support/gate.ts";

const [, , mode = "runtime"] = process.argv;
const say = (line: string) => process.stdout.write(`${line}\n`);

const left = new Set<string>();
const reports = new Map<string, string>();

/** Leaves a rejected promise and a timer that throws, at the first call for each callback. */
function leave(callback: string): void {
  if (left.has(callback)) return;
  left.add(callback);
  void Promise.reject(new Error(`${callback}, a promise`));
  setTimeout(() => {
    throw new Error(`${callback}, a timer`);
  }, 1);
}

/** A thenable that does its work in `then`, as query builders do. Its work leaves both errors behind. */
const lazy = (callback: string): PromiseLike<never> => ({
  // biome-ignore lint/suspicious/noThenProperty: the program tests thenables.
  then(resolve?: ((value: never) => unknown) | null) {
    leave(callback);
    resolve?.(undefined as never);
    return undefined as never;
  },
});

class Querying extends WebSocketConsumer {
  override connect = () => lazy("a thenable of connect") as never;
  override receive = () => lazy("a thenable of receive") as never;
  override disconnect = () => lazy("a thenable of disconnect") as never;
}

/** Resolves when both errors of each of `callbacks` are reported. */
async function reported(...callbacks: string[]): Promise<void> {
  for (const callback of callbacks) {
    while (!(reports.has(`${callback}, a promise`) && reports.has(`${callback}, a timer`)))
      await new Promise((resolve) => setTimeout(resolve, 1));
    const stages = ["a promise", "a timer"].map((what) => reports.get(`${callback}, ${what}`));
    say(`${callback}: ${[...new Set(stages)].join(" and ")}`);
  }
}

function note(error: unknown, { stage }: { readonly stage: string }): void {
  if (error instanceof Error) reports.set(error.message, stage);
}

class Careless extends WebSocketConsumer<{ messages: { note: object } }> {
  static override readonly layer: string | undefined = "chat";
  static override readonly supervision = {
    onFailure: (error: unknown) => {
      leave("onFailure");
      return (error as Error).message === "restart" ? "restart" : "resume";
    },
    backoffMs: 0,
    maxFailures: 1_000,
  } as const;
  static override readonly on = handlers<Careless>({
    note() {
      leave("a handler of messages");
    },
  });

  constructor(context: ConsumerContext) {
    super(context);
    leave("the constructor");
  }
  override connect() {
    leave("connect");
    this.signal.addEventListener("abort", () => leave("a listener of the consumer's signal"));
  }
  override receive(text: string) {
    leave("receive");
    if (text === "restart") throw new Error("restart");
    this.send(text);
  }
  override restarted() {
    leave("restarted");
  }
  override disconnect() {
    leave("disconnect");
  }
}

const machine = setup({
  types: { emitted: {} as Effect },
  actions: { act: () => leave("an action of a machine") },
  guards: {
    open: () => {
      leave("a guard of a machine");
      return true;
    },
  },
  actors: { hum: fromCallback(() => leave("an invoked callback")) },
}).createMachine({
  initial: "off",
  states: {
    off: { entry: "act", invoke: { src: "hum" }, on: { "frame.go": { target: "on", guard: "open" } } },
    on: {},
  },
});
const Careful = machineConsumer(machine, {
  supervision: { onFailure: "resume", maxFailures: 1_000 },
  input: () => {
    leave("input");
    return undefined as never;
  },
});

async function handshakes(runtime: Runtime): Promise<() => void> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  runtime.attach(server);
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws/a`);
  await once(client, "open");
  await reported("a guard of the runtime", "a guard of the route", "a check of a parameter");
  client.send("hello");
  const [text] = await once(client, "message");
  say(`the client hears: ${text}`);
  return () => void server.close();
}

async function actors(runtime: Runtime): Promise<void> {
  const spawned = await runtime.spawn(Careless as never);
  spawned.machine.subscribe(() => {
    leave("an observer of the connection's machine");
    throw new Error("the observer throws, a timer");
  });
  spawned.receive("restart");
  spawned.send({ type: "note" });
  await reported("the constructor", "connect", "receive", "a handler of messages", "restarted", "onFailure");
  await spawned.stop();
  await reported("disconnect", "a listener of the consumer's signal");
  await reported("an observer of the connection's machine", "inspect");
  const other = await runtime.spawn(Careful as never);
  other.receive('{"type":"go"}');
  await reported("input", "an action of a machine", "a guard of a machine", "an invoked callback");
}

async function renewals(): Promise<void> {
  const clock = new SimulatedClock();
  const runtime = createRuntime({ clock, onError: note });
  const guard = () => ({ user: "ada", expiresAt: Date.now() + 60_000, renew: () => leave("renew") as never });
  const client = communicate(class extends WebSocketConsumer {}, { runtime, session: true, guards: [guard] });
  await client.connect();
  clock.increment(55_000);
  client.renew("");
  await reported("renew");
  await runtime.close({ drainMs: 0 });
}

async function thenables(runtime: Runtime, layer: MemoryLayer): Promise<void> {
  const querying = await runtime.spawn(Querying as never);
  querying.receive("hello");
  await querying.stop();
  const fail = () => {
    throw new Error("failed");
  };
  const worker = await runtime.worker("queries", () => lazy("a thenable of a worker"));
  await runtime.submit("queries", { type: "note" });
  await reported("a thenable of a worker");
  await worker.close();
  await runtime.worker("failing-queries", fail, {
    attempts: 1,
    onFailed: () => lazy("a thenable of onFailed"),
  });
  await runtime.submit("failing-queries", { type: "note" });
  await layer.consume("layer-queries", fail, {
    maxDeliveries: 1,
    onDead: () => lazy("a thenable of onDead"),
  });
  await layer.send("layer-queries", { type: "note" });
  await reported(
    "a thenable of a guard",
    "a thenable of connect",
    "a thenable of receive",
    "a thenable of disconnect",
    "a thenable of onFailed",
    "a thenable of onDead",
  );
}

async function jobs(runtime: Runtime): Promise<void> {
  const held = gate();
  const handle = async (message: Message, { signal }: { readonly signal: AbortSignal }) => {
    leave("a worker's handler");
    signal.addEventListener("abort", () => leave("a listener of a job's signal"));
    if (message.type === "fail") throw new Error("failed");
    held.open();
    await once(signal, "abort");
  };
  const onFailed = () => leave("onFailed");
  const worker = await runtime.worker("tasks", handle, { attempts: 1, onFailed });
  await runtime.submit("tasks", { type: "fail" });
  await reported("a worker's handler", "onFailed");
  await runtime.submit("tasks", { type: "hold" });
  await held.opened;
  await worker.close();
  await reported("a listener of a job's signal");
}

async function consumption(layer: MemoryLayer): Promise<void> {
  const held = gate();
  const consumed = await layer.consume(
    "jobs",
    async ({ type }, { signal }) => {
      leave("a handler of consume");
      signal.addEventListener("abort", () => leave("a listener of its signal"));
      if (type === "fail") throw new Error("failed");
      held.open();
      await once(signal, "abort");
    },
    { maxDeliveries: 1, onDead: () => leave("onDead") },
  );
  await layer.send("jobs", { type: "fail" });
  await reported("a handler of consume", "onDead");
  await layer.send("jobs", { type: "hold" });
  await held.opened;
  await consumed.close();
  await reported("a listener of its signal");
}

async function limits(layer: MemoryLayer): Promise<void> {
  await layer.send("brief", { type: "note" });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await layer.consume("brief", () => {}, { onExpired: () => leave("onExpired") });
  await layer.consume(
    "limited",
    (_, { signal }) => {
      signal.addEventListener("abort", () => leave("a listener of a signal at the time limit"));
      return new Promise(() => {});
    },
    { timeoutMs: 10, maxDeliveries: 1 },
  );
  await layer.send("limited", { type: "note" });
  await reported("onExpired", "a listener of a signal at the time limit");
}

async function inboxes(layer: MemoryLayer): Promise<void> {
  const inbox = (name: string) => ({ deliver: () => leave(name), gap() {} });
  await layer.send(await layer.newChannel(inbox("an inbox")), { type: "note" });
  await layer.groupAdd("room", await layer.newChannel(inbox("an inbox in a group")));
  await layer.groupSend("room", { type: "note" });
  await reported("an inbox", "an inbox in a group");
}

async function clientFactory(): Promise<void> {
  const layer = new RedisPubSubLayer({
    prefix: "callbacks",
    onError: note,
    client(options) {
      leave("client");
      return new Redis({ ...options, port: 1 });
    },
  });
  await layer.ready().catch(() => {});
  await reported("client");
  await layer.close();
}

async function logins(): Promise<void> {
  const password = "secret";
  for (const [name, target] of [
    ["credentials", { url: "redis://127.0.0.1:1" }],
    ["credentials of a cluster", { cluster: [{ host: "127.0.0.1", port: 1 }] }],
  ] as const) {
    const layer = new RedisPubSubLayer({
      prefix: "callbacks",
      onError: note,
      ...target,
      credentials() {
        leave(name);
        return { password };
      },
    });
    await layer.ready().catch(() => {});
    await reported(name);
    await layer.close();
  }
}

/** Both kinds of errors are left by two listeners, because a reporter warns at most once in 5 seconds. */
async function listeners(): Promise<void> {
  const warned: string[] = [];
  process.on("warning", ({ message }) => warned.push(message));
  const layers = [false, true].map((timer) => {
    const name = timer ? "a timer" : "a promise";
    return new MemoryLayer({
      onError() {
        if (timer)
          setTimeout(() => {
            throw new Error(`onError, ${name}`);
          });
        else void Promise.reject(new Error(`onError, ${name}`));
      },
    });
  });
  for (const layer of layers) {
    const broken = {
      deliver() {
        throw new Error("broken");
      },
      gap() {},
    };
    await layer.send(await layer.newChannel(broken), { type: "note" });
  }
  while (warned.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  say(warned.sort().join(" and "));
  await Promise.all(layers.map((layer) => layer.close()));
}

const modes: Readonly<Record<string, () => Promise<void>>> = {
  async runtime() {
    const layer = new MemoryLayer({ queueExpiryMs: [["brief", 1]] });
    const runtime: Runtime = createRuntime({
      layers: { chat: layer },
      onError: note,
      inspect: () => leave("inspect"),
      guards: [() => leave("a guard of the runtime"), () => lazy("a thenable of a guard")],
    }) as never;
    runtime.route("/ws/:name", Careless as unknown as typeof Consumer as never, {
      guards: [() => leave("a guard of the route")],
      params: {
        name() {
          leave("a check of a parameter");
          return undefined;
        },
      } as never,
    });
    const end = await handshakes(runtime);
    await actors(runtime);
    await jobs(runtime);
    await thenables(runtime, layer);
    await renewals();
    await consumption(layer);
    await limits(layer);
    await inboxes(layer);
    await layer
      .newChannel({ deliver: () => leave("an inbox on the runtime's node"), gap() {} })
      .then((channel) => runtime.send(channel, { type: "note" }));
    await reported("an inbox on the runtime's node");
    await runtime.close();
    end();
  },

  async layer() {
    const layer = new MemoryLayer({ onError: note });
    await consumption(layer);
    await inboxes(layer);
    await clientFactory();
    await logins();
    await listeners();
    await layer.close();
  },

  /** A handler closes its runtime, catches the rejection, and a layer cannot be closed. */
  async "closing from a handler"() {
    for (const ownAsyncErrors of [true, false]) {
      const layer = new MemoryLayer({ onError: note });
      const close = layer.close.bind(layer);
      layer.close = async () => {
        await close();
        throw new Error("The layer is broken");
      };
      const caught = gate();
      const onError = (error: unknown) => say(`reported: ${(error as Error).message}`);
      const runtime: Runtime = createRuntime({ layers: { layer }, onError, ownAsyncErrors }) as never;
      class Admin extends WebSocketConsumer {
        override receive() {
          runtime.close().catch((error: Error) => {
            say(`caught: ${error.message}`);
            caught.open();
          });
        }
      }
      const admin = await runtime.spawn(Admin as never);
      admin.receive("close");
      await caught.opened;
      await new Promise((resolve) => setImmediate(resolve));
    }
  },

  /** Ends the process. */
  async disowned() {
    const layer = new MemoryLayer({ onError: note, ownAsyncErrors: false });
    await layer.consume("jobs", () => leave("a handler of consume"));
    await layer.send("jobs", { type: "note" });
    await reported("a handler of consume");
  },

  /** Ends the process. */
  async "disowned by a runtime"() {
    const layer = new MemoryLayer({ onError: note });
    await layer.ready();
    createRuntime({ layers: { layer }, ownAsyncErrors: false });
    await layer.consume("jobs", () => leave("a handler of consume"));
    await layer.send("jobs", { type: "note" });
    await reported("a handler of consume");
  },
};

await modes[mode]?.();
say(`listeners: ${["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event))}`);
