import { type Span, SpanStatusCode } from "@opentelemetry/api";
import { textOf } from "../layers/errors.ts";
import { ConnectionLostError, RejectedError } from "../runtime/errors.ts";
import type { Observed } from "../runtime/inspection-hooks.ts";
import { truncate } from "../runtime/truncate.ts";

/** Records the error of a handler, unless it is how the handler refuses a client or notices its end. */
export function recordError(span: Span, error: unknown): void {
  if (error instanceof RejectedError || error instanceof ConnectionLostError) return;
  span.recordException(error instanceof Error ? error : textOf(error));
  span.setAttribute("error.type", error instanceof Error ? error.name : typeof error);
  span.setStatus({ code: SpanStatusCode.ERROR, message: truncate(textOf(error), 1_000) });
}

/** The spans of the pending handlers of all actors. Each span ends once. */
export class ActorSpans {
  readonly #pending = new Map<Observed, Set<Span>>();

  add(actor: Observed, span: Span): void {
    const spans = this.#pending.get(actor);
    if (spans === undefined) this.#pending.set(actor, new Set([span]));
    else spans.add(span);
  }

  /** The pending spans of an actor, the latest last. */
  of(actor: Observed): readonly Span[] {
    return [...(this.#pending.get(actor) ?? [])];
  }

  /** Ends a span, unless it has ended already. */
  end(actor: Observed, span: Span, failure?: { readonly error: unknown }): void {
    const spans = this.#pending.get(actor);
    if (!spans?.delete(span)) return;
    if (spans.size === 0) this.#pending.delete(actor);
    if (failure !== undefined) recordError(span, failure.error);
    span.end();
  }

  /** Ends the spans of handlers that the runtime no longer waits for. */
  abandon(actor: Observed): void {
    for (const span of this.of(actor)) {
      span.addEvent("greenroom.abandoned");
      this.end(actor, span);
    }
  }

  close(): void {
    for (const actor of [...this.#pending.keys()]) this.abandon(actor);
  }
}
