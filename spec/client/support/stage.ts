import { WebSocket } from "ws";
import type {
  Client,
  ConnectOptions,
  ContractConnectOptions,
  Gap,
  RawClient,
  Status,
} from "../../../client/client.ts";
import { contractClient } from "../../../client/contract-client.ts";
import { rawClient } from "../../../client/raw-client.ts";
import type { Contract } from "../../../contract/index.ts";
import { until } from "../../layers/support/until.ts";
import { FakeEnvironment } from "./fake-environment.ts";
import { type Peer, ScriptedServer } from "./scripted-server.ts";

/** A scripted server and a clock for the clients of one spec. */
export class Stage {
  readonly environment = new FakeEnvironment();
  readonly server: ScriptedServer;

  private constructor(server: ScriptedServer) {
    this.server = server;
  }

  static async open(): Promise<Stage> {
    return new Stage(await new ScriptedServer().listen());
  }

  raw(options: Partial<ConnectOptions> = {}): Watched<RawClient> {
    return watch(rawClient({ url: this.server.url, WebSocket, ...options }, this.environment));
  }

  contract<K extends Contract>(
    contract: K,
    options: Partial<ContractConnectOptions<K>> = {},
  ): Watched<Client<K>> {
    const all = { url: this.server.url, WebSocket, ...options };
    return watch(contractClient(contract, all as ConnectOptions, this.environment) as unknown as Client<K>);
  }

  /** A client that is joined, and the server's end of its socket. */
  async joined(
    options: Partial<ConnectOptions> = {},
    hello: Parameters<Peer["hello"]>[0] = {},
  ): Promise<{ readonly client: Watched<RawClient>; readonly peer: Peer }> {
    const client = this.raw(options);
    return { client, peer: await this.welcome(client, hello) };
  }

  /** Begins a session on the next socket of `client`. */
  async welcome(client: Watched<unknown>, hello: Parameters<Peer["hello"]>[0] = {}): Promise<Peer> {
    const peer = await this.server.peer();
    peer.hello(hello);
    await client.reaches("joined");
    return peer;
  }

  /** Waits until a socket is lost, lets the time until the next attempt pass, and returns its socket. */
  async returns(client: Watched<unknown>): Promise<Peer> {
    const { retries } = client.seen;
    await until(() => retries.length > 0);
    this.environment.advance(retries.shift() ?? 0);
    return this.server.peer();
  }

  /** Like {@link returns}, for a socket that resumes the session. */
  async comesBack(client: Watched<unknown>): Promise<{ readonly peer: Peer; readonly resume: object }> {
    const peer = await this.returns(client);
    return { peer, resume: await peer.readControl() };
  }

  close(): void {
    for (const client of open.splice(0)) void client.close();
    this.environment.advance(10_000);
    this.server.close();
  }
}

/** A client whose events are recorded. */
export type Watched<C> = C & {
  readonly seen: {
    readonly states: string[];
    /** The delays before attempts to connect that {@link Stage.returns} has not awaited, in milliseconds. */
    readonly retries: number[];
    readonly gaps: Gap[];
    readonly errors: unknown[];
  };
  /** Waits until the status has a state. */
  reaches(state: Status["state"]): Promise<void>;
};

const open: { close(): Promise<void> }[] = [];

function watch<C extends Pick<RawClient, "status" | "onStatus" | "onGap" | "onError" | "close">>(
  client: C,
): Watched<C> {
  open.push(client);
  const seen = {
    states: [] as string[],
    retries: [] as number[],
    gaps: [] as Gap[],
    errors: [] as unknown[],
  };
  client.onStatus((status) => {
    seen.states.push(status.state);
    if (status.state === "away") seen.retries.push(status.retryInMs);
  });
  client.onGap((gap) => seen.gaps.push(gap));
  client.onError((error) => seen.errors.push(error));
  const reaches = (state: Status["state"]) => until(() => client.status.state === state);
  return Object.assign(client, { seen, reaches });
}

/** The outcome of a promise, without waiting for it. */
export function outcomeOf(promise: Promise<unknown>): {
  state: "pending" | "resolved" | "rejected";
  value?: unknown;
} {
  const outcome: { state: "pending" | "resolved" | "rejected"; value?: unknown } = { state: "pending" };
  promise.then(
    (value) => Object.assign(outcome, { state: "resolved", value }),
    (value) => Object.assign(outcome, { state: "rejected", value }),
  );
  return outcome;
}
