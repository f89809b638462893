import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import type { Contract } from "../../contract/index.ts";
import { InvalidOptionError } from "../../layers/errors.ts";
import { type ClientFrame, idOf, parseFrame } from "../client-frame.ts";
import { type CheckedFrame, ClientFrames, type SchemaDeadline } from "../contract/client-frames.ts";
import { isFor } from "../event-descriptor.ts";
import { FrameRefusal } from "../frame-refusal.ts";

/** A client's frame that the machine may handle. */
export interface ReceivedFrame extends Pick<CheckedFrame, "type" | "asks" | "id"> {
  /** The `frame` of the machine's event. */
  readonly frame: ClientFrame;
}

const prefix = "frame.";

/** Reads the text frames for a machine, and lists the frames that its states accept. */
export class MachineFrames {
  readonly #contract: ClientFrames | undefined;

  /**
   * @throws {InvalidOptionError} if `machine` has no transition for a frame of the contract, or has one for a frame
   *   that the contract lacks.
   */
  constructor(machine: AnyStateMachine, contract: Contract | undefined) {
    this.#contract = contract && ClientFrames.of(contract);
    if (this.#contract !== undefined) checkTransitions(machine, this.#contract.types);
  }

  /** Returns a promise only if the schema of the frame does. Never throws or rejects. */
  read(
    text: string,
    deadline: SchemaDeadline,
  ): ReceivedFrame | FrameRefusal | Promise<ReceivedFrame | FrameRefusal> {
    const parsed = parseFrame(text);
    if (parsed instanceof FrameRefusal) return parsed;
    // The client decides whether a frame without a contract asks: it does if it has an id.
    if (this.#contract === undefined)
      return { type: parsed.type, asks: true, id: idOf(parsed), frame: parsed };
    const checked = this.#contract.check(parsed, deadline);
    return checked instanceof Promise ? checked.then(receivedFrame) : receivedFrame(checked);
  }

  /** A frame whose schema has not settled yet. @param text a text for which {@link read} returned a promise */
  unchecked(text: string): ReceivedFrame {
    const frame = parseFrame(text) as ClientFrame;
    return { type: frame.type, asks: true, id: this.#contract?.idOf(frame), frame };
  }

  /** The types that the state accepts. Without a contract, a `*` at the end of a type stands for any text. */
  expectedIn(snapshot: AnyMachineSnapshot | undefined): readonly string[] {
    if (snapshot?.status !== "active") return [];
    const descriptors = snapshot._nodes.flatMap(({ ownEvents }) => ownEvents as string[]);
    if (this.#contract !== undefined)
      return this.#contract.types.filter((type) => isCovered(prefix + type, descriptors));
    const types = descriptors.flatMap((descriptor) => {
      if (descriptor === "*") return ["*"];
      return descriptor.startsWith(prefix) ? [descriptor.slice(prefix.length)] : [];
    });
    return [...new Set(types)].sort();
  }
}

function receivedFrame(checked: CheckedFrame | FrameRefusal): ReceivedFrame | FrameRefusal {
  if (checked instanceof FrameRefusal) return checked;
  const { type, asks, id, payload } = checked;
  return { type, asks, id, frame: { ...fieldsOf(payload), ...(asks && { id }), type } };
}

/** Spread properties are defined, not assigned, so a payload with the key `__proto__` sets no prototype. */
function fieldsOf(payload: unknown): object {
  const prototype: unknown =
    typeof payload === "object" && payload !== null ? Object.getPrototypeOf(payload) : undefined;
  return prototype === Object.prototype || prototype === null ? (payload as object) : { value: payload };
}

function checkTransitions(machine: AnyStateMachine, types: readonly string[]): void {
  const descriptors = machine.events as readonly string[];
  const missing = types.filter((type) => !isCovered(prefix + type, descriptors));
  if (missing.length > 0)
    throw new InvalidOptionError(
      `The machine "${machine.id}" has no transition for ${missing.join(", ")}: its contract has these frames. ` +
        `Add "${prefix}${missing[0]}" to the \`on\` of a state.`,
    );
  const unknown = descriptors.filter(
    (descriptor) =>
      descriptor.startsWith(prefix) &&
      !descriptor.endsWith("*") &&
      !types.includes(descriptor.slice(prefix.length)),
  );
  if (unknown.length > 0)
    throw new InvalidOptionError(
      `The machine "${machine.id}" handles ${unknown.join(", ")}, which its contract lacks. ` +
        `It has: ${types.join(", ") || "none"}.`,
    );
}

const isCovered = (event: string, descriptors: readonly string[]): boolean =>
  descriptors.some((descriptor) => isFor(descriptor, event));
