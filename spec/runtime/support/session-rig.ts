import { type Exit, type Layers, type RuntimeOptions, type Scope, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import type { ConsumerClass } from "../../../runtime/consumer-settings.ts";
import { internals } from "../../../runtime/internals.ts";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { chat, type Serving, serve } from "../../support/serving.ts";
import { SessionClient } from "./session-client.ts";

/** Records what happens to it, and does what its frames say. */
export class Recorder extends WebSocketConsumer {
  static override readonly layer: string | undefined = "chat";
  static readonly log: unknown[] = [];
  static hold = gate();
  static current: Recorder;
  override async connect() {
    Recorder.current = this;
    await this.groupAdd("all");
  }
  override async receive(text: string) {
    Recorder.log.push(text);
    if (text === "hold") await Recorder.hold.opened;
    if (text === "throw") throw new Error("thrown");
    if (text.startsWith("close")) this.close(Number(text.slice(6)), "enough");
    if (text.startsWith("echo ")) this.send(text.slice(5));
  }
  override onAway() {
    Recorder.log.push("onAway");
  }
  override onOnline(scope: Scope) {
    Recorder.log.push(`onOnline ${scope.query.get("tab")}`);
  }
  override disconnect(code: number, exit: Exit) {
    Recorder.log.push(["disconnect", code, exit.by]);
  }
}

/** The sessions of a node. */
export const sessionsOf = ({ runtime }: Pick<Serving<Layers>, "runtime">) =>
  runtime[internals].context.sessions;

/** Starts a runtime whose time stands still. */
export async function start(
  options: Partial<RuntimeOptions<Layers>> = {},
  Consumer: ConsumerClass = Recorder,
) {
  Recorder.log.length = 0;
  Recorder.hold = gate();
  const clock = new SimulatedClock();
  const serving = await serve<Layers>({ layers: chat(), clock, ...options });
  serving.runtime.route("/ws", Consumer as never);
  return { ...serving, clock, url: `${serving.url}/ws`, sessions: sessionsOf(serving) };
}

/** Starts a runtime, and one session. */
export async function begin(
  options: Partial<RuntimeOptions<Layers>> = {},
  Consumer: ConsumerClass = Recorder,
) {
  const started = await start(options, Consumer);
  const client = await SessionClient.open(started.url);
  const hello = await client.nextControl();
  const session = String(hello.session);
  /** Cuts the socket of `from`, and waits until the server has noticed. */
  const cut = async (from: SessionClient = client) => {
    const { awayCount } = started.sessions;
    from.cut();
    await until(() => started.sessions.awayCount > awayCount);
  };
  const resume = (attempt: number, got: number, query = "") =>
    SessionClient.resume(`${started.url}${query}`, session, attempt, got);
  return { ...started, client, hello, session, cut, resume };
}
