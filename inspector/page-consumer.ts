import { JsonWebSocketConsumer } from "../actors/index.ts";
import { textOf } from "../layers/errors.ts";
import type { ConsumerClass } from "../runtime/consumer-settings.ts";
import type { OpenedHistory } from "./activity/activity-log.ts";
import type { InspectorSession, Reader } from "./inspector-session.ts";
import type {
  Consumers,
  Hello,
  HistoryEntry,
  ListRequest,
  PageReport,
  PageRequest,
  Tick,
} from "./protocol.ts";
import { readRequest } from "./requests.ts";

/** A page for which more waits is not given more. */
const mostWaitingBytes = 64 * 1024;

/** An actor whose history is read. */
interface Opened {
  readonly id: string;
  readonly history: OpenedHistory;
  /** The number of the last entry that the page has. */
  last: number;
}

/** Makes the consumer of the connections of the inspector's pages: each is told of what it asks for, now and at each tick. */
export function pageConsumer(session: InspectorSession, hello: Omit<Hello, "type">): ConsumerClass {
  return class Inspector extends JsonWebSocketConsumer implements Reader {
    #list: ListRequest | undefined;
    #opened: Opened | undefined;
    #wantsPayloads = false;

    override connect(): void {
      this.accept();
      this.#say({ type: "hello", ...hello });
      session.add(this);
    }

    override async receive(value: unknown): Promise<void> {
      try {
        await this.#answer(readRequest(value));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#say({ type: "refused", reason: textOf(error) });
      }
    }

    override receiveInvalidJson(): void {
      this.#say({ type: "refused", reason: "A request is JSON." });
    }

    override disconnect(): void {
      this.#open(undefined);
      session.remove(this);
    }

    consumersChanged(consumers: Consumers): void {
      this.#say(consumers);
    }

    ticked(tick: Tick): void {
      if (this.waitingBytes > mostWaitingBytes) return;
      this.#say(tick);
      this.#sayList();
      this.#sayHistory(false);
    }

    async #answer(request: PageRequest): Promise<void> {
      switch (request.type) {
        case "list":
          this.#list = request;
          this.#sayList();
          break;
        case "machines": {
          const machines = await session.consumers.machineFacts(request.consumer);
          this.#say({ type: "machines", consumer: request.consumer, machines });
          break;
        }
        case "open":
          this.#open(request.actor);
          this.#sayHistory(true);
          break;
        case "payloads":
          this.#wantPayloads(request.shown && hello.payloads);
      }
    }

    #open(actor: string | undefined): void {
      const { histories } = session;
      if (this.#opened !== undefined) {
        if (this.#wantsPayloads) this.#opened.history.payloadReaders -= 1;
        histories?.close(this.#opened.id);
      }
      this.#opened = undefined;
      if (actor === undefined || histories === undefined) return;
      const history = histories.open(actor);
      if (this.#wantsPayloads) history.payloadReaders += 1;
      this.#opened = { id: actor, history, last: 0 };
    }

    #wantPayloads(wants: boolean): void {
      if (wants === this.#wantsPayloads) return;
      this.#wantsPayloads = wants;
      if (this.#opened !== undefined) this.#opened.history.payloadReaders += wants ? 1 : -1;
    }

    #sayList(): void {
      if (this.#list !== undefined && this.#list.limit > 0) this.#say(session.list.list(this.#list));
    }

    #sayHistory(isFirst: boolean): void {
      if (this.#opened === undefined) return;
      const { id, history, last } = this.#opened;
      const entries = history.after(last);
      this.#opened.last = entries.at(-1)?.number ?? last;
      const actor = session.list.find(id);
      const { events, recorded } = history.rate;
      this.#say({
        type: "history",
        actor: id,
        isFirst,
        ...(actor && { row: session.list.row(actor) }),
        since: session.since,
        entries: this.#wantsPayloads ? entries : entries.map(withoutPayload),
        eventsPerSecond: events,
        recordedPerSecond: recorded,
      });
    }

    #say(report: PageReport): void {
      this.sendJson(report);
    }
  };
}

function withoutPayload({ payload: _, ...entry }: HistoryEntry): HistoryEntry {
  return entry;
}
