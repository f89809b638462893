import type { Attributes } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { until } from "../../layers/support/until.ts";

/** A span that has ended, as plain data, so that another process can print it. */
export interface SeenSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly attributes: Attributes;
  readonly status: { readonly code: number; readonly message?: string };
  readonly events: readonly { readonly name: string; readonly attributes?: Attributes | undefined }[];
  readonly links: readonly string[];
  readonly pid: number;
}

export const seenSpan = (span: ReadableSpan): SeenSpan => ({
  name: span.name,
  kind: span.kind,
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentId: span.parentSpanContext?.spanId,
  attributes: span.attributes,
  status: span.status,
  events: span.events.map(({ name, attributes }) => ({ name, attributes })),
  links: span.links.map(({ context }) => context.traceId),
  pid: process.pid,
});

/** The SDK, with the spans that it has recorded. */
export class RecordedSpans {
  readonly provider: NodeTracerProvider;
  readonly #exporter = new InMemorySpanExporter();
  #started = 0;
  #ended = 0;

  /** Registers the SDK in this process, for all specs. Only the first one is registered. */
  constructor(sampler?: Sampler) {
    const count = {
      onStart: () => {
        this.#started += 1;
      },
      onEnd: () => {
        this.#ended += 1;
      },
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    this.provider = new NodeTracerProvider({
      spanProcessors: [count, new SimpleSpanProcessor(this.#exporter)],
      ...(sampler && { sampler }),
    });
  }

  get spans(): readonly SeenSpan[] {
    return this.#exporter.getFinishedSpans().map(seenSpan);
  }

  /** The number of spans that have not ended. */
  get open(): number {
    return this.#started - this.#ended;
  }

  named(name: string): readonly SeenSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** Waits for a span with this name to end. */
  async first(name: string): Promise<SeenSpan> {
    await until(() => this.named(name).length > 0);
    return this.named(name)[0] as SeenSpan;
  }
}
