import { type Effect, handlers, machineConsumer, WebSocketConsumer } from "greenroom";
import { inspector } from "greenroom/inspector";
import { emit, setup } from "xstate";
import type { HistoryEntry, MachineFacts } from "../../inspector/protocol.ts";
import { Client } from "./client.ts";
import { InspectorClient, token } from "./inspector-client.ts";
import { chat, serve } from "./serving.ts";

interface Words {
  word: { readonly text: string };
}

/** Joins the group "talk" and forwards its messages. The text `fail` or `leave` makes it fail or leave. */
export class Talk extends WebSocketConsumer<{ messages: Words }> {
  static override readonly layer = "chat";
  static override readonly supervision = { onFailure: "resume", maxFailures: 1_000 } as const;
  static override readonly on = handlers<Talk>({ word() {} });

  override async connect() {
    await this.accept();
    await this.groupAdd("talk");
    this.tag(`path.${this.scope.path.slice(4)}`);
    this.send("in");
  }
  override receive(text: string) {
    if (text === "fail") throw new Error("as it was told");
    if (text === "leave") return this.groupDiscard("talk");
    return this.groupSend("talk", { type: "word", text });
  }
}

export const light = setup({ types: { emitted: {} as Effect } }).createMachine({
  id: "light",
  initial: "off",
  states: {
    off: { on: { "frame.press": "on" } },
    on: {
      initial: "dim",
      on: { "frame.press": "off" },
      states: {
        dim: { on: { "frame.up": "bright" } },
        bright: { entry: emit({ type: "send", frame: "bright" }) },
      },
    },
  },
});

/** A runtime with {@link Talk}, a machine consumer, and an inspector with a client. */
export async function inspectRuntime({ payloads = false } = {}) {
  const serving = await serve({ layers: chat() });
  inspector(serving.runtime, { path: "/inspect", token, payloads, tickMs: 20 });
  serving.runtime.route("/ws/a", Talk);
  serving.runtime.route("/ws/light", machineConsumer(light));
  const page = await InspectorClient.open(serving.url);
  const join = async (path = "/ws/a") => {
    const client = await Client.open(`${serving.url}${path}`);
    await client.next();
    return client;
  };
  return { ...serving, page, join };
}

export function shortly({ from, to, kind, what, bytes, detail }: HistoryEntry): string {
  return [`${from}→${to}`, kind, what, bytes, detail]
    .filter((part) => part !== undefined && part !== "")
    .join(" ");
}

export async function machines(page: InspectorClient, consumer: string): Promise<readonly MachineFacts[]> {
  page.ask({ type: "machines", consumer });
  return (await page.next("machines")).machines;
}

/** Replaces a method of a prototype until disposed. */
export function replaceMethod<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  method: T[K],
): Disposable {
  const { [name]: original } = prototype;
  prototype[name] = method;
  return {
    [Symbol.dispose]() {
      prototype[name] = original;
    },
  };
}
