import type { AskingFrame, Contract, ErrorFrame, Schema } from "../contract/index.ts";
import { FrameType } from "../contract/protocol.ts";
import type { ClientControl } from "../protocol/control-frames.ts";
import { addressOf, pathOf } from "./address.ts";
import { check, invalidFrame } from "./check.ts";
import type { AskOptions, Client, ConnectOptions, SendOptions } from "./client.ts";
import { openConnection } from "./connection.ts";
import type { Environment } from "./environment.ts";
import { ClientError, FrameRefused, MayHaveBeenTaken } from "./errors.ts";
import { createFrameIterator, type FrameIterator } from "./frame-iterator.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import { frameOf } from "./outgoing.ts";
import { parse } from "./parse.ts";
import { maxTimerMs } from "./timing.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A frame that asks and has no answer yet. */
interface Ask {
  /** The schema of the reply. */
  readonly reply: Schema | undefined;
  /** Whether the server has handled the frame. */
  isTaken: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Opens a connection with a contract. {@link Client} describes the methods with their types.
 * @throws {TypeError} if a parameter is missing, the address is not a URL, or there is no WebSocket.
 */
export function contractClient(
  contract: Contract,
  options: ConnectOptions & { readonly params?: Fields },
  environment: Environment,
): Client<Contract> {
  const url = addressOf(options, pathOf(contract.path, options.params));
  const { validate: isValidating = isDevelopment() } = options;
  const owner = { deliver, ended, control: track, since };
  const { client, report, post, enqueue, cancel } = openConnection(url, options, environment, owner);
  const schemas = new Map<unknown, Schema>(Object.entries(contract.server as Record<string, Schema>));
  const listeners = new Map<unknown, Listeners<unknown>>();
  const iterators = new Set<FrameIterator>();
  const asks = new Map<unknown, Ask>();
  let lastId = 0;
  /** Settles once the earlier frames have been checked. Undefined if all of them have. */
  let earlier: Promise<void> | undefined;

  function on(type: string, listener: (payload: unknown) => void): () => void {
    const known = listeners.get(type) ?? createListeners(report);
    listeners.set(type, known);
    return known.add(listener);
  }

  const send = async (type: string, payload: unknown, options?: SendOptions): Promise<void> =>
    post(frameText(type, payload), options);

  async function ask(
    type: string,
    payload: unknown,
    { timeoutMs = 10_000, signal }: AskOptions = {},
  ): Promise<unknown> {
    const id = ++lastId;
    const text = frameText(type, payload, id);
    let stop = () => {};
    try {
      return await new Promise((resolve, reject) => {
        const reply = (contract.client as Readonly<Record<string, Partial<AskingFrame>>>)[type]?.reply;
        const ask: Ask = { reply, isTaken: false, resolve, reject };
        const take = () => {
          ask.isTaken = true;
        };
        const frame = frameOf(text, take, reject);
        const abort = () => reject(signal?.reason);
        const timer = environment.setTimeout(
          () => reject(new ClientError("ERR_ASK_TIMEOUT", "No reply")),
          Math.min(timeoutMs, maxTimerMs),
        );
        stop = () => {
          environment.clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          asks.delete(id);
          cancel(frame);
        };
        signal?.addEventListener("abort", abort);
        asks.set(id, ask);
        if (signal?.aborted) abort();
        else enqueue(frame);
      });
    } finally {
      stop();
    }
  }

  function events(type: string): AsyncIterableIterator<unknown> {
    const events = createFrameIterator(() => {
      off();
      iterators.delete(events);
    });
    const off = on(type, events.push);
    iterators.add(events);
    if (client.status.state === "closed") events.end();
    return events.iterator;
  }

  // ---- What the connection tells

  function deliver(data: string | Uint8Array): void {
    const {
      type,
      "@": position,
      ...payload
    }: Record<string, unknown> = (parse(data) as Fields | undefined) ?? {};
    const { id, value } = payload;
    const ask = asks.get(id);
    if (type === FrameType.reply) {
      // An ask that was given up is not known any more.
      if (ask) inOrder(isValidating && ask.reply, [value], ask.resolve, ask.reject);
    } else if (type === FrameType.error) {
      const error = new FrameRefused(payload as unknown as ErrorFrame);
      if (ask) inOrder(false, [error], ask.reject);
      else if (id === undefined) inOrder(false, [error], report);
    } else {
      const schema = schemas.get(type);
      if (!schema) {
        if (isValidating) report(invalidFrame(data));
        return;
      }
      // The position of a relayed message is its group and its offset.
      if (Array.isArray(position) && marks.has(position[0])) marks.set(position[0], position[1]);
      // A payload that is not an object is carried as `value`. Only the schema tells it from one that is.
      const isBoxed = Object.keys(payload).join() === "value";
      const values = isBoxed ? [payload, value] : [payload];
      inOrder((isBoxed || isValidating) && schema, values, (fit) => listeners.get(type)?.call(fit));
    }
  }

  /**
   * Checks `values` and calls `accept` or `refuse`, after the earlier frames. At once, unless a schema is
   * asynchronous.
   */
  function inOrder(
    schema: Schema | false | undefined,
    values: readonly unknown[],
    accept: (value: unknown) => void,
    refuse: (error: unknown) => void = report,
  ): void {
    const checked = check(schema, values, accept, refuse);
    if (!earlier && !(checked instanceof Promise)) checked();
    else {
      const done = Promise.all([checked, earlier]).then(([settle]) => {
        if (earlier === done) earlier = undefined;
        settle();
      });
      earlier = done;
    }
  }

  function ended(isClosed: boolean): void {
    inOrder(false, [], () => {
      for (const ask of asks.values()) if (ask.isTaken) ask.reject(new MayHaveBeenTaken());
      if (isClosed) for (const iterator of iterators) iterator.end();
    });
  }

  // ---- Positions in the histories of groups: after the loss of a session, the server sends what was missed

  /** The offsets of the last frames that have arrived, by group. They outlive the session. */
  const marks = new Map<unknown, unknown>();
  let ticket: unknown;
  /** The request that no ticket has answered yet. */
  let request: ClientControl | undefined;

  function track({ c, group, at, value }: Fields): void {
    if (c === "ticket") {
      ticket = value;
      request = undefined;
    } else if (c === "left") marks.delete(group);
    // The server knows what has arrived: after a loss by `since`, and after a resumption by the counts.
    else if (c === "joined") marks.set(group, at);
  }

  /** A ticket proves fewer groups than 500, and a frame of the default `maxPayload` has room for so many. */
  function since(isNewSession: boolean): ClientControl | undefined {
    if (isNewSession && ticket)
      request = { c: "since", ticket, marks: Object.fromEntries([...marks].slice(-500)) } as ClientControl;
    return request;
  }

  return Object.assign(client, { on, send, ask, events }) as unknown as Client<Contract>;
}

/** The text of a frame. A payload that is not an object is carried as `value`. */
function frameText(type: string, payload: unknown, id?: number): string {
  const isBoxed = Object(payload) !== payload || Array.isArray(payload) || payload instanceof Date;
  return JSON.stringify({ ...(isBoxed ? { value: payload } : (payload as object)), type, id });
}

/** Bundlers replace `process.env.NODE_ENV`. Without a bundler, a browser has no `process`. */
function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV !== "production";
  } catch {
    return false;
  }
}
