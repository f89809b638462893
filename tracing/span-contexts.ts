import {
  type Context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { readTrace, type TraceContext } from "../layers/tracing.ts";

export const isSampled = ({ traceFlags }: SpanContext): boolean => (traceFlags & TraceFlags.SAMPLED) !== 0;

/** The form of a span's context in a message. Undefined if the span has no valid ids. */
export function traceOf(span: SpanContext): TraceContext | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const flags = isSampled(span) ? "01" : "00";
  const written = { traceparent: `00-${span.traceId}-${span.spanId}-${flags}` };
  const tracestate = span.traceState?.serialize();
  return tracestate ? { ...written, tracestate } : written;
}

/** The span that sent a message. */
function sentBy({ traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  return {
    traceId,
    spanId,
    isRemote: true,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
}

/** The context of the work that a message with `written` causes. */
export const contextOf = (written: TraceContext): Context =>
  trace.setSpanContext(ROOT_CONTEXT, sentBy(written));

/** The span that a client names in the headers of its request. */
export function spanOfHeaders(headers: { readonly [name: string]: unknown }): SpanContext | undefined {
  const written = readTrace(headers);
  return written && sentBy(written);
}
