import type { ChannelLayer } from "../layers/channel-layer.ts";
import { checkInteger, maxDelayMs } from "../layers/check-integer.ts";
import type { Clock } from "../layers/clock.ts";
import type { Mail, Message } from "../layers/message.ts";
import { OutcomeUnknownError, RefusedError, StepFailedError } from "./errors.ts";
import { type Answer, askOf, readAsk } from "./records.ts";

const answerType = "greenroom.named.answer";

const defaultTimeoutMs = 5_000;

interface PendingAsk {
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: unknown;
}

/** The asks of this node whose answers are missing, and the channel for these answers. */
export class NamedAsks {
  readonly #layer: ChannelLayer;
  readonly #clock: Clock;
  readonly #pending = new Map<string, PendingAsk>();
  #opening: Promise<void> | undefined;
  #channel: string | undefined;
  /** The beginning of the asks of this node: see {@link askOf}. */
  #prefix = "";
  /** The number of asks so far, which makes their ids unique: each process has a channel of its own. */
  #asked = 0;
  #isClosed = false;

  constructor(layer: ChannelLayer, clock: Clock) {
    this.#layer = layer;
    this.#clock = clock;
  }

  /**
   * Calls `ship` at once with a function that returns a new ask, and resolves with the answer. The function must be
   * called after {@link open}.
   *
   * @param what names the actor, for errors
   * @throws {RefusedError}
   * @throws {StepFailedError}
   * @throws {OutcomeUnknownError}
   * @throws what `ship` throws
   */
  run(
    what: string,
    timeoutMs: number = defaultTimeoutMs,
    ship: (ask: () => string) => Promise<"stored" | "parked">,
  ): Promise<unknown> {
    // Thousands of asks may wait, so each of them has few promises.
    return new Promise((resolve, reject) => {
      checkInteger("timeoutMs", timeoutMs, { max: maxDelayMs });
      this.#asked += 1;
      const id = `${this.#asked}`;
      const fail = (error: Error) => this.#forget(id)?.reject(error);
      const late = () =>
        fail(
          new OutcomeUnknownError(
            `${what} did not answer within ${timeoutMs} ms. The message is stored, and may still be handled.`,
          ),
        );
      this.#pending.set(id, { resolve, reject, timer: this.#clock.setTimeout(late, timeoutMs) });
      ship(() => this.#prefix + id).then((outcome) => {
        if (outcome === "parked")
          fail(
            new StepFailedError(`${what} is parked, because a step failed: resume(key) lets it try again.`),
          );
      }, fail);
    });
  }

  /** Whether this node has asked. */
  isLocal(ask: string): boolean {
    return this.#channel !== undefined && ask.startsWith(this.#prefix);
  }

  /** Answers an ask of this node, and returns true. Returns false for an ask of another node. */
  answerLocally(ask: string, answer: Answer): boolean {
    if (!this.isLocal(ask)) return false;
    this.#settle(ask.slice(this.#prefix.length), answer);
    return true;
  }

  /** Sends an answer to the node of an ask. @throws {LayerUnavailableError} */
  async send(ask: string, answer: Answer): Promise<void> {
    const { channel, id } = readAsk(ask) ?? {};
    if (channel === undefined) return;
    const message = { type: answerType, id, answer };
    await this.#layer.send(channel, message as Message);
  }

  /** Rejects the asks that wait. */
  close(): void {
    this.#isClosed = true;
    for (const id of [...this.#pending.keys()]) {
      this.#forget(id)?.reject(new OutcomeUnknownError("The runtime was closed before the answer arrived."));
    }
  }

  /** Opens the channel for answers. @throws {LayerUnavailableError} */
  open(): Promise<void> {
    this.#opening ??= this.#layer.newChannel({ deliver: (mail) => this.#deliver(mail), gap: () => {} }).then(
      (channel) => {
        this.#channel = channel;
        this.#prefix = askOf(channel, "");
      },
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  #deliver({ message }: Mail): void {
    const { id, answer } = message;
    if (typeof id === "string" && typeof answer === "object" && answer !== null)
      this.#settle(id, answer as Answer);
  }

  #settle(id: string, answer: Answer): void {
    const ask = this.#forget(id);
    if (ask === undefined || this.#isClosed) return;
    if ("ok" in answer) ask.resolve(answer.ok);
    else ask.reject(errorOf(answer));
  }

  #forget(id: string): PendingAsk | undefined {
    const ask = this.#pending.get(id);
    this.#pending.delete(id);
    if (ask !== undefined) this.#clock.clearTimeout(ask.timer);
    return ask;
  }
}

function errorOf(answer: Exclude<Answer, { readonly ok: unknown }>): Error {
  if ("failed" in answer) return new StepFailedError(String(answer.failed));
  try {
    const { code, message, data } = answer.refused;
    return new RefusedError(code, String(message), data);
  } catch {
    return new StepFailedError("The answer of the named actor is malformed.");
  }
}
