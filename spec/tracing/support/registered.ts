import { context, propagation, trace } from "@opentelemetry/api";
import type { Sampler } from "@opentelemetry/sdk-trace-node";
import { RecordedSpans } from "./recorded-spans.ts";

/** Registers the SDK for one spec. {@link unregister} ends it. */
export function register(sampler?: Sampler): RecordedSpans {
  const recorded = new RecordedSpans(sampler);
  recorded.provider.register();
  return recorded;
}

export function unregister(): void {
  trace.disable();
  context.disable();
  propagation.disable();
}
