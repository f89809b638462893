import type { ConsumerCounters } from "../runtime/consumer-counts.ts";
import type { LoopDelay } from "../runtime/loop-delay.ts";
import type { RuntimeContext } from "../runtime/runtime-context.ts";
import type { ActorCensus } from "./actor-census.ts";
import type { RuntimeMeter } from "./runtime-meter.ts";
import {
  counter,
  type Definition,
  gauge,
  histogram,
  oncePerScrape,
  type Sample,
  samplesBy,
  single,
} from "./scraped-metric.ts";

interface Sources {
  readonly context: Pick<RuntimeContext, "cluster" | "counters" | "sessions">;
  readonly census: ActorCensus;
  readonly meter: RuntimeMeter;
  readonly loopDelay: LoopDelay;
}

/** The metrics of a runtime, without those of its layers. */
export function runtimeMetrics({ context, census, meter, loopDelay }: Sources): Definition[] {
  const { cluster, counters, sessions } = context;
  const snapshot = oncePerScrape(() => counters.snapshot());
  const byConsumer = (figure: Exclude<keyof ConsumerCounters, "closed">) => () =>
    Object.entries(snapshot().consumers).map(([consumer, counts]) => ({
      labels: { consumer },
      value: counts[figure],
    }));
  return [
    gauge("actors", "Connections and spawned actors, by state", () => census.states()),
    gauge("mailbox_items", "Frames, messages and timer calls that wait in mailboxes", () =>
      census.figures("mailboxItems"),
    ),
    gauge("mailbox_items_max", "Items that wait in the fullest mailbox", () =>
      census.figures("longestMailbox"),
    ),
    gauge("waiting_bytes", "Bytes that wait for slow clients", () => census.figures("waitingBytes")),
    histogram("mailbox_wait_seconds", "Wait of items in busy mailboxes, sampled", (name) =>
      meter.waits(name),
    ),
    histogram("handler_seconds", "Time of handlers, until their promises settled", (name) =>
      meter.handlerTimes(name),
    ),
    counter("closed_total", "Accepted connections that have ended, by close code", () =>
      nested(snapshot().consumers, "consumer", "code", ({ closed }) => closed),
    ),
    counter("frames_received_total", "Frames from clients", byConsumer("framesIn")),
    counter("received_bytes_total", "Bytes from the sockets of clients", byConsumer("bytesIn")),
    counter("frames_sent_total", "Frames for clients", byConsumer("framesOut")),
    counter(
      "sent_bytes_total",
      "Bytes for the sockets of clients, before compression",
      byConsumer("bytesOut"),
    ),
    counter("messages_received_total", "Messages for mailboxes", byConsumer("messagesIn")),
    counter("messages_sent_total", "Messages that actors have sent", byConsumer("messagesOut")),
    counter("refused_total", "Refused upgrades, by cause and HTTP status", () =>
      nested(snapshot().refusals, "cause", "status", (statuses) => statuses),
    ),
    counter("refused_frames_total", "Refused frames of clients, by code", () =>
      samplesBy("code", snapshot().refusedFrames),
    ),
    counter("dropped_total", "Dropped frames, messages and upgrades, by reason", () =>
      samplesBy("reason", snapshot().dropped),
    ),
    counter("limited_total", "Times that a limit was hit", () => samplesBy("limit", snapshot().limited)),
    counter("blocked_total", "Times that a handler blocked the event loop", () => single(snapshot().blocked)),
    gauge("sessions_away", "Sessions whose client is away", () => single(sessions.awayCount)),
    gauge("session_bytes", "Bytes of frames that sessions keep", () => single(sessions.frames.bytes)),
    counter("sessions_resumed_total", "Times that a client has resumed its session", () =>
      single(snapshot().resumed),
    ),
    counter("sessions_lost_total", "Sessions that ended while their client was away", () =>
      single(snapshot().lost),
    ),
    gauge("nodes", "Nodes known to be alive, this one included", () => single(cluster.ids.length)),
    gauge("event_loop_delay_seconds", "Delay of the event loop since the last scrape", () => {
      const { p50, p99, max } = loopDelay.take();
      return samplesBy("statistic", { p50: p50 / 1_000, p99: p99 / 1_000, max: max / 1_000 });
    }),
  ];
}

function nested<T>(
  values: Readonly<Record<string, T>>,
  outer: string,
  inner: string,
  read: (value: T) => Readonly<Record<string, number>>,
): Sample[] {
  return Object.entries(values).flatMap(([key, value]) =>
    samplesBy(inner, read(value)).map((sample) => ({
      ...sample,
      labels: { [outer]: key, ...sample.labels },
    })),
  );
}
