import { JsonWebSocketConsumer } from "../actors/index.ts";
import type { ConsumerClass } from "../runtime/consumer-settings.ts";
import type { OpenedHistory } from "./activity/activity-log.ts";
import type { InspectorSession, SessionSubscriber } from "./inspector-session.ts";
import type {
  Consumers,
  Hello,
  ListRequest,
  NamedRequest,
  PageReport,
  PageRequest,
  Tick,
} from "./protocol.ts";
import { InvalidRequestError, readRequest } from "./requests.ts";
import { machineFacts } from "./view/consumer-facts.ts";

/** A page receives no ticks while more than this number of bytes is waiting to be sent to it. */
const maxWaitingBytes = 64 * 1024;

interface OpenedActor {
  readonly id: string;
  readonly history: OpenedHistory;
  /** The `number` of the last history entry that was sent to the page. */
  lastSent: number;
}

/** The pause between two reads of the store, in milliseconds. */
const namedPauseMs = 2_000;

/** Answers requests of the page. Sends the requested list and history again at each tick. */
export function pageConsumer(session: InspectorSession, hello: Omit<Hello, "type">): ConsumerClass {
  return class Inspector extends JsonWebSocketConsumer implements SessionSubscriber {
    /** A page that comes back needs the present state, and not the reports that it has missed. */
    static override readonly session = false;

    #listRequest: ListRequest | undefined;
    #opened: OpenedActor | undefined;
    #wantsPayloads = false;
    #namedRequest: NamedRequest | undefined;
    #isReadingNamed = false;
    /** The time from which on the store may be read again, in milliseconds of `performance.now`. */
    #nextNamedAt = 0;

    override connect(): void {
      this.accept();
      this.#report({ type: "hello", ...hello });
      session.subscribe(this);
    }

    override async receive(value: unknown): Promise<void> {
      try {
        await this.#answer(readRequest(value));
      } catch (error) {
        if (!(error instanceof InvalidRequestError)) throw error;
        this.#report({ type: "refused", reason: error.message });
      }
    }

    override receiveInvalidJson(): void {
      this.#report({ type: "refused", reason: "A request must be JSON." });
    }

    override disconnect(): void {
      this.#open(undefined);
      session.unsubscribe(this);
    }

    onConsumers(consumers: Consumers): void {
      this.#report(consumers);
    }

    onTick(tick: Tick): void {
      if (this.waitingBytes > maxWaitingBytes) return;
      this.#report(tick);
      this.#reportList();
      this.#reportHistory(false);
      this.#reportNamed();
    }

    async #answer(request: PageRequest): Promise<void> {
      switch (request.type) {
        case "list":
          this.#listRequest = request;
          this.#reportList();
          break;
        case "machines": {
          const machines = await machineFacts(session.consumers, request.consumer);
          this.#report({ type: "machines", consumer: request.consumer, machines });
          break;
        }
        case "named":
          this.#namedRequest = request;
          this.#nextNamedAt = 0;
          this.#reportNamed();
          break;
        case "open":
          this.#open(request.actor);
          this.#reportHistory(true);
          break;
        case "payloads":
          this.#wantPayloads(request.shown && hello.payloads);
      }
    }

    #open(actor: string | undefined): void {
      const { activityLog } = session;
      if (this.#opened !== undefined) {
        if (this.#wantsPayloads) this.#opened.history.payloadReaders -= 1;
        activityLog?.close(this.#opened.id);
      }
      this.#opened = undefined;
      if (actor === undefined || activityLog === undefined) return;
      const history = activityLog.open(actor);
      if (this.#wantsPayloads) history.payloadReaders += 1;
      this.#opened = { id: actor, history, lastSent: 0 };
    }

    #wantPayloads(wants: boolean): void {
      if (wants === this.#wantsPayloads) return;
      this.#wantsPayloads = wants;
      if (this.#opened !== undefined) this.#opened.history.payloadReaders += wants ? 1 : -1;
    }

    #reportList(): void {
      const request = this.#listRequest;
      if (request !== undefined && request.limit > 0) this.#report(session.actors.list(request));
    }

    /** Reads the store unless it was read just now. One read is under way at a time. */
    #reportNamed(): void {
      const request = this.#namedRequest;
      if (request?.kind === undefined || this.#isReadingNamed || performance.now() < this.#nextNamedAt)
        return;
      this.#isReadingNamed = true;
      void session.readNamed({ ...request, kind: request.kind }, hello.payloads).then((report) => {
        this.#isReadingNamed = false;
        if (this.signal.aborted) return;
        if (this.#namedRequest !== request) this.#reportNamed();
        else {
          this.#nextNamedAt = performance.now() + namedPauseMs;
          this.#report(report);
        }
      });
    }

    #reportHistory(isFirst: boolean): void {
      if (this.#opened === undefined) return;
      const { id, history, lastSent } = this.#opened;
      const entries = history.after(lastSent);
      this.#opened.lastSent = entries.at(-1)?.number ?? lastSent;
      const row = session.actors.find(id);
      const { events, recorded } = history.rate;
      this.#report({
        type: "history",
        actor: id,
        isFirst,
        ...(row && { row }),
        since: session.since,
        entries: this.#wantsPayloads ? entries : entries.map(({ payload: _, ...entry }) => entry),
        eventsPerSecond: events,
        recordedPerSecond: recorded,
      });
    }

    #report(report: PageReport): void {
      this.sendJson(report);
    }
  };
}
