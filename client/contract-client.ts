import type { AskingFrame, Contract, ErrorFrame, Schema } from "../contract/index.ts";
import { FrameType } from "../contract/protocol.ts";
import type { ClientControl } from "../protocol/control-frames.ts";
import { pathOf } from "./address.ts";
import { BaseClient, outgoing } from "./base-client.ts";
import type { AskOptions, ConnectOptions, SendOptions } from "./client.ts";
import type { Environment } from "./environment.ts";
import { ClientError, FrameRefused, MayHaveBeenTaken } from "./errors.ts";
import { FrameIterator } from "./frame-iterator.ts";
import type { Listeners } from "./listeners.ts";
import { Positions } from "./positions.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A frame that asks and has no answer yet. */
interface Ask {
  /** The schema of the reply. */
  readonly reply: Schema | undefined;
  /** Whether the server has handled the frame. */
  isTaken: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A client with a contract. {@link Client} describes its methods with their types. */
export class ContractClient extends BaseClient {
  readonly #contract: Contract;
  readonly #isValidating: boolean;
  readonly #environment: Environment;
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
    this.#environment = environment;
  }

  on(type: string, listener: (payload: unknown) => void): () => void {
    const listeners = this.#listeners.get(type) ?? this.listeners();
    this.#listeners.set(type, listeners);
    return listeners.add(listener);
  }

  async send(type: string, payload: unknown, options?: SendOptions): Promise<void> {
    await this.write(frameText(type, payload), options);
  }

  ask(type: string, payload: unknown, { timeoutMs = 10_000, signal }: AskOptions = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const { reply } = own<AskingFrame>(this.#contract.client, type) ?? {};
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        this.#environment.clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.#asks.delete(id);
        outcome();
      };
      const fail = (error: unknown) =>
        settle(() => {
          this.connection.cancel(frame);
          reject(error);
        });
      const abort = () => fail(signal?.reason);
      const timeout = () =>
        fail(new ClientError("ERR_ASK_TIMEOUT", `No reply to "${type}" came within ${timeoutMs} ms.`));
      const ask: Ask = {
        reply,
        isTaken: false,
        reject: fail,
        resolve: (value: unknown) => settle(() => resolve(value)),
      };
      const frame = outgoing(
        frameText(type, payload, id),
        () => {
          ask.isTaken = true;
        },
        fail,
      );
      const timer = this.#environment.setTimeout(timeout, timeoutMs);
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) {
        abort();
        return;
      }
      this.#asks.set(id, ask);
      this.connection.send(frame);
    });
  }

  events(type: string): AsyncIterableIterator<unknown> {
    const iterator: FrameIterator<unknown> = new FrameIterator(() => {
      stop();
      this.#iterators.delete(iterator);
    });
    const stop = this.on(type, (payload) => iterator.push(payload));
    this.#iterators.add(iterator);
    if (this.status.state === "closed") iterator.end();
    return iterator;
  }

  // ---- What the connection tells

  /** @internal */
  receive(data: string | Uint8Array): void {
    const frame = parse(data);
    if (typeof frame?.type !== "string") {
      this.report(invalid(`The frame is not a JSON object with a type: ${String(data).slice(0, 100)}`));
      return;
    }
    const { type, ...fields } = frame;
    if (type === FrameType.reply) this.#receiveReply(fields);
    else if (type === FrameType.error) this.#receiveError(fields as unknown as ErrorFrame);
    else this.#receiveFrame(type, fields);
  }

  #receiveReply({ id, value }: Fields): void {
    const ask = this.#asks.get(id);
    // The ask may have been given up.
    if (ask === undefined) return;
    const schema = this.#isValidating ? ask.reply : undefined;
    this.#inOrder(
      () => check(schema, value),
      ({ issues }) => {
        if (issues) ask.reject(invalid("The reply", issues));
        else ask.resolve(value);
      },
    );
  }

  #receiveError(frame: ErrorFrame): void {
    const ask = this.#asks.get(frame.id);
    this.#inOrder(
      () => {},
      () => {
        if (ask) ask.reject(new FrameRefused(frame));
        else if (frame.id === undefined) this.report(new FrameRefused(frame));
      },
    );
  }

  #receiveFrame(type: string, { "@": position, ...rest }: Fields): void {
    const payload =
      position === undefined || this.#positions.keep(position) ? rest : { ...rest, "@": position };
    const schema = own<Schema>(this.#contract.server, type);
    if (schema === undefined) {
      if (this.#isValidating) this.report(invalid(`The contract has no frame "${type}".`));
      return;
    }
    // A payload that is not an object is carried as `value`. Only the schema tells it from one that is.
    const isBoxed = Object.keys(payload).join() === "value";
    this.#inOrder(
      () =>
        check(
          isBoxed || this.#isValidating ? schema : undefined,
          payload,
          ...(isBoxed ? [payload.value] : []),
        ),
      ({ value, issues }) => {
        if (issues) this.report(invalid(`The frame "${type}"`, issues));
        else this.#listeners.get(type)?.call(value);
      },
    );
  }

  /** Calls `use` with the outcome of `work`, after the earlier frames. At once, unless a schema is asynchronous. */
  #inOrder<T>(work: () => T | Promise<T>, use: (outcome: T) => void): void {
    let outcome: T | Promise<T>;
    try {
      outcome = work();
    } catch (error) {
      outcome = Promise.reject(error);
    }
    if (this.#earlier === undefined && !(outcome instanceof Promise)) {
      use(outcome);
      return;
    }
    const done = Promise.allSettled([outcome, this.#earlier]).then(([result]) => {
      if (this.#earlier === done) this.#earlier = undefined;
      if (result.status === "fulfilled") use(result.value);
      else this.report(result.reason);
    });
    this.#earlier = done;
  }

  /** @internal */
  override ended(): void {
    this.#inOrder(
      () => {},
      () => {
        for (const ask of [...this.#asks.values()]) if (ask.isTaken) ask.reject(new MayHaveBeenTaken());
        if (this.status.state === "closed") for (const iterator of [...this.#iterators]) iterator.end();
      },
    );
  }

  /** @internal */
  override control(frame: Fields): void {
    this.#positions.control(frame);
  }

  /** @internal */
  override since(): ClientControl | undefined {
    return this.#positions.since();
  }
}

type Issues = readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[];
type Checked = { readonly value?: unknown; readonly issues?: Issues | undefined };

/** The first of `values` that fits the schema, as it is. Without a schema, the first. */
function check(schema: Schema | undefined, value: unknown, ...others: unknown[]): Checked | Promise<Checked> {
  const choose = ({ issues }: Checked): Checked | Promise<Checked> =>
    issues === undefined
      ? { value }
      : others.length > 0
        ? check(schema, ...(others as [unknown]))
        : { issues };
  const outcome = schema?.["~standard"].validate(value) ?? {};
  return outcome instanceof Promise ? outcome.then(choose) : choose(outcome);
}

function invalid(what: string, issues: Issues = []): ClientError {
  const [issue] = issues;
  const reason = issue ? ` is not valid: ${issue.path?.map(keyOf).join(".") ?? ""} ${issue.message}` : "";
  return new ClientError("ERR_INVALID_FRAME", what + reason);
}

const keyOf = (key: unknown): string => String((key as { readonly key?: unknown } | null)?.key ?? key);

/** The fields of a frame. Undefined if it is not the text of a JSON object. */
function parse(data: string | Uint8Array): Fields | undefined {
  try {
    return typeof data === "string" ? JSON.parse(data) : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a frame. A payload that is not an object is carried as `value`. */
function frameText(type: string, payload: unknown, id?: number): string {
  const isObject = typeof payload === "object" && payload !== null && !Array.isArray(payload);
  const fields = isObject && !(payload instanceof Date) ? payload : { value: payload };
  return JSON.stringify({ ...fields, type, id });
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
