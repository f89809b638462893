import { type TracerProvider, trace } from "@opentelemetry/api";
import { InvalidOptionError } from "../layers/errors.ts";
import { type Internals, internals } from "../runtime/internals.ts";
import { version } from "../version.ts";
import { OpenTelemetryTracer } from "./open-telemetry-tracer.ts";

/** Options of {@link traceRuntime}. */
export interface TracingOptions {
  /** The provider of the SDK. @default the global provider, also if it is registered later */
  readonly tracerProvider?: TracerProvider;
}

/** A runtime that is being traced. */
export interface Tracing {
  /** Ends the tracing, and all spans of pending handlers. May be called twice. */
  close(): void;
}

/** A runtime, without its types. */
interface AnyRuntime {
  /** @internal */
  readonly [internals]: Internals;
}

/**
 * Traces the frames, messages, timers and jobs of a runtime with OpenTelemetry. A trace begins with a frame of a
 * client, with `connect` or `disconnect`, with a timer of a consumer, with a job that carries no trace, or with a
 * span of the application. It goes on in the messages and jobs that are sent meanwhile, on all traced nodes.
 *
 * The span of a handler is the active span while the handler runs, also after an `await`, if the SDK has registered
 * a context manager.
 *
 * @throws {InvalidOptionError} if the runtime is traced already.
 *
 * @example
 * ```ts
 * const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.01) });
 * new NodeTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(exporter)] }).register();
 * const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
 * traceRuntime(runtime);
 * ```
 */
export function traceRuntime(runtime: AnyRuntime, { tracerProvider }: TracingOptions = {}): Tracing {
  const { context, router } = runtime[internals];
  const { cluster, instruments } = context;
  if (instruments.tracer !== undefined)
    throw new InvalidOptionError("The runtime is traced already: close the first tracing, or keep it.");
  const tracer = new OpenTelemetryTracer(
    (tracerProvider ?? trace.getTracerProvider()).getTracer("greenroom", version),
    router,
  );
  const layers = new Set([cluster.controlLayer, ...Object.values(context.layers)]);
  instruments.tracer = tracer;
  for (const layer of layers) layer.tracer = tracer;
  return {
    close() {
      if (instruments.tracer !== tracer) return;
      instruments.tracer = undefined;
      for (const layer of layers) layer.tracer = undefined;
      tracer.close();
    },
  };
}
