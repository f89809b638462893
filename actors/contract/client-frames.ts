import type {
  AskingFrame,
  ClientFrame as ClientFrameSchema,
  Contract,
  FrameId,
  Schema,
} from "../../contract/index.ts";
import { isPromise } from "../../layers/async-errors.ts";
import type { Clock } from "../../layers/clock.ts";
import { withTimeout } from "../../layers/with-timeout.ts";
import { type ClientFrame, idOf } from "../client-frame.ts";
import { FrameRefusal } from "../frame-refusal.ts";
import { listIssues, type Validation, validatePayload } from "./validate.ts";

/** A valid frame of a client. */
export interface CheckedFrame {
  readonly type: string;
  /** Whether the frame gets a reply, if it has an id. */
  readonly asks: boolean;
  /** Undefined unless the frame asks, and has an id. */
  readonly id: FrameId | undefined;
  /** The value that the schema gives. */
  readonly payload: unknown;
}

interface FrameRule {
  readonly payload: Schema;
  readonly asks: boolean;
}

/** The time for an asynchronous schema: see {@link Limits.schemaTimeoutMs}. */
export interface SchemaDeadline {
  readonly clock: Clock;
  readonly timeoutMs: number;
}

const known = new WeakMap<Contract, ClientFrames>();

/** Checks the frames from clients against a contract. */
export class ClientFrames {
  readonly types: readonly string[];
  readonly #rules: ReadonlyMap<string, FrameRule>;

  static of(contract: Contract): ClientFrames {
    const frames = known.get(contract) ?? new ClientFrames(contract);
    known.set(contract, frames);
    return frames;
  }

  private constructor({ client }: Contract) {
    const frames = Object.entries(client as Readonly<Record<string, ClientFrameSchema>>);
    this.#rules = new Map(frames.map(([type, frame]) => [type, ruleOf(frame)]));
    this.types = [...this.#rules.keys()].sort();
  }

  /** The id of a frame that asks, if it is allowed. */
  idOf(frame: ClientFrame): FrameId | undefined {
    return this.#rules.get(frame.type)?.asks ? idOf(frame) : undefined;
  }

  /** Validates the payload of `frame`. Returns a promise only if the schema does. Never throws or rejects. */
  check(
    frame: ClientFrame,
    deadline: SchemaDeadline,
  ): CheckedFrame | FrameRefusal | Promise<CheckedFrame | FrameRefusal> {
    const { type } = frame;
    const rule = this.#rules.get(type);
    if (rule === undefined) {
      return new FrameRefusal("greenroom.unknown_type", `There is no frame of the type "${type}".`, {
        id: idOf(frame),
        expected: this.types,
      });
    }
    const id = rule.asks ? idOf(frame) : undefined;
    if (rule.asks && id === undefined && Object.hasOwn(frame, "id")) {
      return new FrameRefusal(
        "greenroom.bad_frame",
        "The id of a frame must be a number, or a text of at most 100 characters.",
      );
    }
    const finish = (outcome: Validation): CheckedFrame | FrameRefusal =>
      outcome.issues === undefined
        ? { type, asks: rule.asks, id, payload: outcome.value }
        : new FrameRefusal(
            "greenroom.invalid",
            `The payload of "${type}" is not valid: ${listIssues(outcome.issues)}`,
            {
              id,
              issues: outcome.issues,
              expected: this.types,
            },
          );
    const fail = (cause: unknown) => schemaFailed(type, id, cause);
    try {
      const outcome = validatePayload(rule.payload, payloadOf(frame, rule.asks));
      if (!isPromise(outcome)) return finish(outcome);
      const { clock, timeoutMs } = deadline;
      const late = () => new Error(`The schema of "${type}" had not settled after ${timeoutMs} ms.`);
      return withTimeout(outcome, timeoutMs, clock, late).then(finish, fail);
    } catch (error) {
      return fail(error);
    }
  }
}

function ruleOf(frame: ClientFrameSchema): FrameRule {
  if ("~standard" in frame) return { payload: frame, asks: false };
  return { payload: (frame as AskingFrame).payload, asks: true };
}

/** The properties of a frame without those of the envelope. Defines properties, so it never sets a prototype. */
function payloadOf(frame: ClientFrame, asks: boolean): Readonly<Record<string, unknown>> {
  if (asks) {
    const { type: _type, id: _id, ...payload } = frame;
    return payload;
  }
  const { type: _type, ...payload } = frame;
  return payload;
}

function schemaFailed(type: string, id: FrameId | undefined, cause: unknown): FrameRefusal {
  return new FrameRefusal("greenroom.failed", `The server could not check the frame "${type}".`, {
    id,
    cause,
  });
}
