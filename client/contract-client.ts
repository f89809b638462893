import type { AskingFrame, Contract, ErrorFrame, Schema } from "../contract/index.ts";
import { FrameType } from "../contract/protocol.ts";
import type { ClientControl } from "../protocol/control-frames.ts";
import { pathOf } from "./address.ts";
import { type Checked, check } from "./check.ts";
import type { AskOptions, ConnectOptions, SendOptions } from "./client.ts";
import { Connection } from "./connection.ts";
import type { Environment } from "./environment.ts";
import { ClientError, FrameRefused, MayHaveBeenTaken } from "./errors.ts";
import { FrameIterator } from "./frame-iterator.ts";
import type { Listeners } from "./listeners.ts";
import { Positions } from "./positions.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The longest delay of a timer of browsers and Node, in milliseconds. They end a longer one at once. */
const maxDelayMs = 2 ** 31 - 1;

/** A frame that asks and has no answer yet. */
interface Ask {
  /** The schema of the reply. */
  readonly reply: Schema | undefined;
  /** Whether the server has handled the frame. */
  isTaken: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A client with a contract. {@link Client} describes its methods with their types. */
export class ContractClient extends Connection {
  readonly #contract: Contract;
  readonly #isValidating: boolean;
  readonly #positions = new Positions();
  readonly #listeners = new Map<string, Listeners<unknown>>();
  readonly #iterators = new Set<FrameIterator<unknown>>();
  readonly #asks = new Map<unknown, Ask>();
  #lastId = 0;
  /** Settles once the earlier frames have been checked. Undefined if all of them have. */
  #earlier: Promise<void> | undefined;

  /** @throws {TypeError} if a parameter is missing, or does not fit the contract. */
  constructor(
    contract: Contract,
    options: ConnectOptions & { readonly params?: Fields },
    environment: Environment,
  ) {
    super(options, environment, pathOf(contract, options.params ?? {}));
    this.#contract = contract;
    this.#isValidating = options.validate ?? isDevelopment();
  }

  on(type: string, listener: (payload: unknown) => void): () => void {
    const listeners = this.#listeners.get(type) ?? this.listeners();
    this.#listeners.set(type, listeners);
    return listeners.add(listener);
  }

  async send(type: string, payload: unknown, options?: SendOptions): Promise<void> {
    await this.post(frameText(type, payload), options);
  }

  ask(type: string, payload: unknown, { timeoutMs = 10_000, signal }: AskOptions = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const { environment } = this;
    return new Promise((resolve, reject) => {
      const settle = () => {
        environment.clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#asks.delete(id);
      };
      const ask: Ask = {
        reply: own<AskingFrame>(this.#contract.client, type)?.reply,
        isTaken: false,
        resolve: (value) => {
          settle();
          resolve(value);
        },
        reject: (error) => {
          settle();
          this.cancel(frame);
          reject(error);
        },
      };
      const take = () => {
        ask.isTaken = true;
      };
      const frame = this.frame(frameText(type, payload, id), take, ask.reject);
      const abort = () => ask.reject(signal?.reason);
      const timer = environment.setTimeout(
        () => ask.reject(new ClientError("ERR_ASK_TIMEOUT", `No reply to "${type}" in ${timeoutMs} ms.`)),
        Math.min(timeoutMs, maxDelayMs),
      );
      signal?.addEventListener("abort", abort);
      this.#asks.set(id, ask);
      if (signal?.aborted) abort();
      else this.enqueue(frame);
    });
  }

  events(type: string): FrameIterator<unknown> {
    const iterator: FrameIterator<unknown> = new FrameIterator(() => {
      stop();
      this.#iterators.delete(iterator);
    });
    const stop = this.on(type, (payload) => iterator.push(payload));
    this.#iterators.add(iterator);
    if (this.status.state === "closed") iterator.end();
    return iterator;
  }

  protected deliver(data: string | Uint8Array): void {
    const { type, ...payload } = parse(data) ?? {};
    const { id, value, "@": position } = payload;
    const ask = this.#asks.get(id);
    if (type === FrameType.reply) {
      // An ask that was given up is not known any more.
      if (ask)
        this.#inOrder(
          this.#isValidating ? ask.reply : undefined,
          [value],
          "The reply",
          ask.resolve,
          ask.reject,
        );
    } else if (type === FrameType.error) {
      const error = new FrameRefused(payload as unknown as ErrorFrame);
      if (ask) this.#inOrder(undefined, [error], type, ask.reject);
      else if (id === undefined) this.#inOrder(undefined, [error], type, this.report);
    } else {
      const schema = own<Schema>(this.#contract.server, String(type));
      if (schema === undefined) {
        if (this.#isValidating)
          this.report(
            new ClientError(
              "ERR_INVALID_FRAME",
              `The contract has no such frame: ${String(data).slice(0, 99)}`,
            ),
          );
        return;
      }
      if (Array.isArray(position)) {
        this.#positions.keep(position);
        delete payload["@"];
      }
      // A payload that is not an object is carried as `value`. Only the schema tells it from one that is.
      const isBoxed = Object.keys(payload).join() === "value";
      this.#inOrder(
        isBoxed || this.#isValidating ? schema : undefined,
        isBoxed ? [payload, value] : [payload],
        `The frame "${type}"`,
        (checked) => this.#listeners.get(type as string)?.call(checked),
      );
    }
  }

  /**
   * Checks `values` and calls `accept` or `refuse`, after the earlier frames. At once, unless a schema is
   * asynchronous.
   */
  #inOrder(
    schema: Schema | undefined,
    values: readonly unknown[],
    what: string,
    accept: (value: unknown) => void,
    refuse: (error: unknown) => void = this.report,
  ): void {
    const outcome = check(schema, values, what);
    const use = (checked: Checked) => ("error" in checked ? refuse(checked.error) : accept(checked.value));
    if (this.#earlier === undefined && !(outcome instanceof Promise)) {
      use(outcome);
      return;
    }
    const done = Promise.all([outcome, this.#earlier]).then(([checked]) => {
      if (this.#earlier === done) this.#earlier = undefined;
      use(checked);
    });
    this.#earlier = done;
  }

  protected override ended(): void {
    const { state } = this.status;
    this.#inOrder(undefined, [], "", () => {
      for (const ask of this.#asks.values()) if (ask.isTaken) ask.reject(new MayHaveBeenTaken());
      if (state === "closed") for (const iterator of this.#iterators) iterator.end();
    });
  }

  protected override control(frame: Fields): void {
    this.#positions.control(frame);
  }

  protected override since(): ClientControl | undefined {
    return this.#positions.since();
  }
}

/** The fields of a frame. Undefined if it is not the text of a JSON object. */
function parse(data: string | Uint8Array): Record<string, unknown> | undefined {
  try {
    return JSON.parse(data as string);
  } catch {
    return undefined;
  }
}

/** The text of a frame. A payload that is not an object is carried as `value`. */
function frameText(type: string, payload: unknown, id?: number): string {
  const isBoxed = Object(payload) !== payload || Array.isArray(payload) || payload instanceof Date;
  return JSON.stringify({ ...(isBoxed ? { value: payload } : (payload as object)), type, id });
}

/** A property of `object` itself. */
const own = <T>(object: unknown, key: string): T | undefined =>
  Object.hasOwn(object as object, key) ? (object as Readonly<Record<string, T>>)[key] : undefined;

/** Bundlers replace `process.env.NODE_ENV`. Without a bundler, a browser has no `process`. */
function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV !== "production";
  } catch {
    return false;
  }
}
