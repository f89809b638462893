import {
  type Attributes,
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Exit } from "../actors/close-codes.ts";
import { findRelay } from "../actors/handlers.ts";
import { isPromise } from "../layers/async-errors.ts";
import type { JobTrace, SendOperation, TraceContext, TracedJob } from "../layers/tracing.ts";
import { reservedPrefix } from "../runtime/cluster/argument-checks.ts";
import type { Observed } from "../runtime/inspection-hooks.ts";
import type { RuntimeTracer } from "../runtime/instruments.ts";
import { isAskEnvelope } from "../runtime/mailbox/ask-envelope.ts";
import type { Item } from "../runtime/mailbox/mailbox.ts";
import type { TimerCall } from "../runtime/mailbox/message-backlog.ts";
import type { Router } from "../runtime/routes/router.ts";
import { ActorSpans, recordError } from "./actor-spans.ts";
import {
  actorAttributes,
  exitAttributes,
  processAttributes,
  sendAttributes,
  shortType,
} from "./attributes.ts";
import { GroupTrace } from "./group-trace.ts";
import { contextOf, isSampled, spanOfHeaders, traceOf } from "./span-contexts.ts";

interface HandlerSpan {
  /** The part of the name after the name of the consumer. */
  readonly name: string;
  readonly kind: SpanKind;
  readonly parent?: Context;
  readonly links?: Link[];
  readonly attributes?: () => Attributes;
}

/** Makes the spans of one runtime. An unsampled span has no attributes, and is only a part of the context. */
export class OpenTelemetryTracer implements RuntimeTracer {
  readonly #tracer: Tracer;
  readonly #router: Router;
  readonly #spans = new ActorSpans();

  constructor(tracer: Tracer, router: Router) {
    this.#tracer = tracer;
    this.#router = router;
  }

  handle(actor: Observed, item: Item, work: () => unknown): unknown {
    if (typeof item === "string" || item instanceof Uint8Array)
      return this.#run(actor, { name: "receive", kind: SpanKind.SERVER }, work);
    if ("run" in item) return this.#handleCall(actor, item, work);
    if (!("message" in item) || item.trace === undefined) return work();
    const { message, trace: sender } = item;
    const name = shortType(message.type);
    if (!(sender instanceof GroupTrace)) {
      const kind = isAskEnvelope(item) ? SpanKind.SERVER : SpanKind.CONSUMER;
      const attributes = () => processAttributes("handle", actor.groups.address, message.type);
      return this.#run(actor, { name, kind, parent: contextOf(sender as TraceContext), attributes }, work);
    }
    // The span of the delivery says enough: a relay only sends a frame.
    if (findRelay(actor.Consumer.on, message.type) !== undefined) return work();
    if (!sender.takeHandlerSpan()) return context.with(sender.context, work);
    const attributes = () => processAttributes("handle", sender.group, message.type);
    return this.#run(actor, { name, kind: SpanKind.CONSUMER, parent: sender.context, attributes }, work);
  }

  call<R>(actor: Observed, method: "connect" | "disconnect", work: () => R, exit?: Exit): R {
    const client = method === "connect" ? spanOfHeaders(actor.scope.headers) : undefined;
    const kind = method === "connect" ? SpanKind.SERVER : SpanKind.INTERNAL;
    const attributes = exit && (() => exitAttributes(exit));
    return this.#run(
      actor,
      {
        name: method,
        kind,
        // A client may not decide about the sampling, so its span is not the parent.
        ...(client && { links: [{ context: client }] }),
        ...(attributes && { attributes }),
      },
      work,
    );
  }

  send(
    operation: SendOperation,
    destination: string,
    type: unknown,
    send: (trace: TraceContext | undefined) => Promise<void>,
  ): Promise<void> {
    const sender = trace.getSpanContext(context.active());
    if (sender === undefined || isOfRuntime(type)) return send(undefined);
    // Without a trace, a job would begin one. Other messages begin none, so they need not say that they are unsampled.
    if (!isSampled(sender)) return send(operation === "submit" ? traceOf(sender) : undefined);
    return this.#send(operation, destination, type, SpanKind.PRODUCER, (span) => {
      const own = span.spanContext();
      return send(isSampled(own) || operation === "submit" ? traceOf(own) : undefined);
    });
  }

  ask<R>(
    operation: "ask" | "askGroup",
    destination: string,
    type: string,
    work: (trace: TraceContext | undefined) => Promise<R>,
  ): Promise<R> {
    const sender = trace.getSpanContext(context.active());
    if (sender === undefined || !isSampled(sender)) return work(undefined);
    return this.#send(operation, destination, type, SpanKind.CLIENT, (span) => {
      const own = span.spanContext();
      return work(isSampled(own) ? traceOf(own) : undefined);
    });
  }

  deliver(sender: TraceContext, group: string, type: string): GroupTrace | undefined {
    const parent = contextOf(sender);
    const name = `deliver ${shortType(type)}`;
    const span = this.#tracer.startSpan(name, { kind: SpanKind.CONSUMER }, parent);
    if (!span.isRecording()) return undefined;
    span.setAttributes(processAttributes("deliver", group, type));
    return new GroupTrace(group, span, parent);
  }

  job({ channel, type, attempt, id, trace: sender }: TracedJob): JobTrace {
    const parent = sender === undefined ? ROOT_CONTEXT : contextOf(sender);
    const span = this.#tracer.startSpan(`work ${channel}`, { kind: SpanKind.CONSUMER }, parent);
    if (span.isRecording()) {
      span.setAttributes({
        ...processAttributes("work", channel, type),
        ...(id !== undefined && { "messaging.message.id": shortType(id) }),
        "greenroom.attempt": attempt,
      });
    }
    const active = trace.setSpan(parent, span);
    return {
      run: (work) => context.with(active, work),
      end(failure) {
        if (failure !== undefined) recordError(span, failure.error);
        span.end();
      },
    };
  }

  detach(work: () => void): void {
    context.with(ROOT_CONTEXT, work);
  }

  onFrame(actor: Observed, type: string): void {
    const span = this.#spans.of(actor).at(-1);
    span?.updateName(`${actor.Consumer.name} ${type}`);
    span?.setAttribute("greenroom.message.type", type);
  }

  onRefusal(actor: Observed, code: string): void {
    this.#spans.of(actor).at(-1)?.setAttribute("greenroom.refusal", code);
  }

  onExit(actor: Observed, exit: Exit): void {
    for (const span of this.#spans.of(actor)) {
      span.addEvent("greenroom.close", exitAttributes(exit));
      if (exit.status !== undefined) span.setAttribute("http.response.status_code", exit.status);
    }
  }

  onEnd(actor: Observed): void {
    this.#spans.abandon(actor);
  }

  /** Ends the spans of all pending handlers. */
  close(): void {
    this.#spans.close();
  }

  #handleCall(actor: Observed, call: TimerCall, work: () => unknown): unknown {
    const name = () => call.stage ?? "timer";
    const run = () => {
      try {
        return work();
      } finally {
        // A notice of a session knows only now which method it has called.
        this.#spans.of(actor).at(-1)?.updateName(`${actor.Consumer.name} ${name()}`);
      }
    };
    return this.#run(actor, { name: name(), kind: SpanKind.INTERNAL }, run);
  }

  /** Calls a handler within a span that ends once the handler has settled. */
  #run<R>(
    actor: Observed,
    { name, kind, parent = ROOT_CONTEXT, links, attributes }: HandlerSpan,
    work: () => R,
  ): R {
    const options = { kind, ...(links && { links }) };
    const span = this.#tracer.startSpan(`${actor.Consumer.name} ${name}`, options, parent);
    const active = trace.setSpan(parent, span);
    if (!span.isRecording()) return context.with(active, work);
    span.setAttributes({ ...actorAttributes(actor, this.#router), ...attributes?.() });
    this.#spans.add(actor, span);
    let result: R;
    try {
      result = context.with(active, work);
    } catch (error) {
      this.#spans.end(actor, span, { error });
      throw error;
    }
    if (isPromise(result)) {
      result.then(
        () => this.#spans.end(actor, span),
        (error: unknown) => this.#spans.end(actor, span, { error }),
      );
    } else this.#spans.end(actor, span);
    return result;
  }

  /** Calls `work` within a child of the active span that ends once `work` has settled. */
  async #send<R>(
    operation: SendOperation | "ask" | "askGroup",
    destination: string,
    type: unknown,
    kind: SpanKind,
    work: (span: Span) => Promise<R>,
  ): Promise<R> {
    // The names of groups and channels are too many for names of spans; those of queues are few.
    const subject = operation === "submit" ? destination : shortType(type);
    const span = this.#tracer.startSpan(`${operation} ${subject}`, { kind });
    if (span.isRecording()) span.setAttributes(sendAttributes(operation, destination, type));
    try {
      return await context.with(trace.setSpan(context.active(), span), work, undefined, span);
    } catch (error) {
      recordError(span, error);
      throw error;
    } finally {
      span.end();
    }
  }
}

/** Whether a message is one that runtimes send to each other. */
const isOfRuntime = (type: unknown): boolean => typeof type === "string" && type.startsWith(reservedPrefix);
