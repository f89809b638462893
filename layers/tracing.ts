/** The position of a message in a trace: https://www.w3.org/TR/trace-context/. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** The trace of a group's message, on one node that delivers it. */
export interface TracedDelivery {
  /** The number of members that have received the message. The layer counts them. */
  recipients: number;
  /** Called once, after the last member. */
  end(): void;
}

/** A job whose handler is about to be called. */
export interface TracedJob {
  readonly channel: string;
  readonly type: string;
  /** The number of deliveries of the job, including this one. */
  readonly attempt: number;
  readonly id: string | undefined;
  /** The trace that the sender gave to the job. */
  readonly trace: TraceContext | undefined;
}

/** The trace of one attempt of a job. */
export interface JobTrace {
  /** Calls `work` within the trace, also after {@link end}. */
  run<T>(work: () => T): T;
  /** Called once, when the handler has settled. @param failure the error of the handler, if it has failed */
  end(failure?: { readonly error: unknown }): void;
}

export type SendOperation = "groupSend" | "send" | "submit";

/** Traces the messages of a layer. Its methods MUST NOT throw errors of their own. */
export interface LayerTracer {
  /**
   * Calls `send` once and at once, with the trace that the message carries; undefined if it carries none. Settles as
   * `send` does.
   * @param destination the name of a group or channel
   * @param type the type of the message
   */
  send(
    operation: SendOperation,
    destination: string,
    type: unknown,
    send: (trace: TraceContext | undefined) => Promise<void>,
  ): Promise<void>;
  /**
   * Called before the members of a group on this node receive a message that carries `trace`. Returns undefined if the
   * delivery is not traced.
   */
  deliver(trace: TraceContext, group: string, type: string): TracedDelivery | undefined;
  job(job: TracedJob): JobTrace;
}

const traceparentPattern = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
const tracestatePattern = /^[\x20-\x7e]{1,512}$/;

/**
 * Reads a trace that any program may have written. Returns undefined for a malformed `traceparent`, and leaves out a
 * malformed `tracestate`. So a trace has at most 567 characters.
 */
export function readTrace(value: unknown): TraceContext | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { traceparent, tracestate } = value as { readonly [K in keyof TraceContext]?: unknown };
  if (typeof traceparent !== "string" || !traceparentPattern.test(traceparent)) return undefined;
  const hasState = typeof tracestate === "string" && tracestatePattern.test(tracestate);
  return hasState ? { traceparent, tracestate } : { traceparent };
}
