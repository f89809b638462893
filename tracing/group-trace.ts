import { type Context, type Span, trace } from "@opentelemetry/api";
import type { TracedDelivery } from "../layers/tracing.ts";

/** The largest number of handlers with spans of their own, for each message of a group on each node. */
const maxHandlerSpans = 32;

/** The span of a group's message on this node. The spans of the members' handlers are its children. */
export class GroupTrace implements TracedDelivery {
  readonly group: string;
  readonly context: Context;
  recipients = 0;
  readonly #span: Span;
  #handlerSpans = 0;

  constructor(group: string, span: Span, parent: Context) {
    this.group = group;
    this.#span = span;
    this.context = trace.setSpan(parent, span);
  }

  /** Whether one more handler gets a span of its own. */
  takeHandlerSpan(): boolean {
    this.#handlerSpans += 1;
    return this.#handlerSpans <= maxHandlerSpans;
  }

  end(): void {
    this.#span.setAttribute("greenroom.recipients", this.recipients);
    this.#span.end();
  }
}
