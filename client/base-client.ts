import type { ClientControl } from "../protocol/control-frames.ts";
import { addressOf } from "./address.ts";
import type { AnyClient, ConnectOptions, Gap, SendOptions, Status, WebSocketConstructor } from "./client.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Environment } from "./environment.ts";
import { Listeners, reportUncaught } from "./listeners.ts";
import type { OutgoingFrame } from "./outgoing.ts";

const encoder = new TextEncoder();

/** What clients with and without a contract have in common. */
export abstract class BaseClient implements AnyClient, ConnectionOwner {
  protected readonly connection: Connection;
  readonly #errors = new Listeners<unknown>(reportUncaught);
  readonly #statuses = this.listeners<Status>();
  readonly #gaps = this.listeners<Gap>();

  /** @throws {TypeError} if there is no address or no WebSocket. */
  constructor(options: ConnectOptions, environment: Environment, path?: string) {
    const { token, protocols = [], maxQueue = 1_000, maxQueueBytes = 1_048_576 } = options;
    const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
    if (WebSocket === undefined)
      throw new TypeError(
        "There is no global WebSocket: pass that of the package ws as the option WebSocket.",
      );
    const settings = {
      url: addressOf(options, path),
      protocols,
      WebSocket,
      queue: { frames: maxQueue, bytes: maxQueueBytes },
      token: typeof token === "string" ? () => token : token,
    };
    this.connection = new Connection(settings, this, environment);
  }

  get status(): Status {
    return this.connection.status;
  }

  get protocol(): string | undefined {
    return this.connection.protocol;
  }

  onStatus(listener: (status: Status) => void): () => void {
    return this.#statuses.add(listener);
  }

  onGap(listener: (gap: Gap) => void): () => void {
    return this.#gaps.add(listener);
  }

  onError(listener: (error: unknown) => void): () => void {
    return this.#errors.add(listener);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** Sends a frame in its wire form. */
  protected write(data: string | Uint8Array, { repeatable = false }: SendOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      this.connection.send(outgoing(data, resolve, reject, repeatable));
    });
  }

  protected listeners<T>(): Listeners<T> {
    return new Listeners((error) => this.report(error));
  }

  // ---- What the connection tells

  /** @internal */
  abstract receive(data: string | Uint8Array): void;

  /** @internal */
  changed(status: Status): void {
    this.#statuses.call(status);
  }

  /** @internal */
  missed(gap: Gap): void {
    this.#gaps.call(gap);
  }

  /** @internal */
  report(error: unknown): void {
    if (this.#errors.isEmpty) reportUncaught(error);
    else this.#errors.call(error);
  }

  /** @internal */
  ended(): void {}

  /** @internal */
  control(_frame: Readonly<Record<string, unknown>>): void {}

  /** @internal */
  since(): ClientControl | undefined {
    return undefined;
  }
}

export function outgoing(
  data: string | Uint8Array,
  resolve: () => void,
  reject: (error: Error) => void,
  isRepeatable = false,
): OutgoingFrame {
  const bytes = typeof data === "string" ? encoder.encode(data).length : data.length;
  return { data, bytes, isRepeatable, resolve, reject };
}
