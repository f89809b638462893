import { expect } from "chai";
import fc from "fast-check";
import { StreamCursor } from "../../../../layers/redis/streams/stream-cursor.ts";
import type { Head, Snapshot, StreamEntry } from "../../../../layers/redis/streams/stream-format.ts";

type Stored = Omit<StreamEntry, "epoch">;

/** A server with one stream. Each entry's payload is its unique number. */
class Server {
  readonly capacity: number;
  head: Head = { epoch: "0", offset: 0, stamp: 0 };
  entries: Stored[] = [];
  #stamp = 0;
  #epoch = 0;
  #number = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  publish(): StreamEntry {
    this.#stamp += 1;
    this.#number += 1;
    const stored = { offset: this.head.offset + 1, stamp: this.#stamp, payload: bytes(this.#number) };
    this.entries = [...this.entries, stored].slice(-this.capacity);
    this.head = { epoch: this.head.epoch, offset: stored.offset, stamp: stored.stamp };
    return { ...stored, epoch: this.head.epoch };
  }

  get published(): number {
    return this.#number;
  }

  snapshot(from: number, page: number): Snapshot {
    const entries = this.entries.filter(({ offset }) => offset >= from).slice(0, page);
    return { head: this.head, entries, hasMore: entries.length === page };
  }

  expire(): void {
    this.entries = [];
  }

  flush(): void {
    this.#epoch += 1;
    this.head = { epoch: String(this.#epoch), offset: 0, stamp: 0 };
    this.entries = [];
  }

  /** Promotes a replica that lacks the last `count` entries, if there are more. Returns the lost ones. */
  rollBack(count: number): readonly Stored[] {
    const kept = this.entries.slice(0, Math.max(0, this.entries.length - count));
    const last = kept.at(-1);
    if (last === undefined) return [];
    const lost = this.entries.slice(kept.length);
    this.entries = kept;
    this.head = { epoch: this.head.epoch, offset: last.offset, stamp: last.stamp };
    return lost;
  }
}

const bytes = (number: number) => new Uint8Array(new Uint32Array([number]).buffer);
const numberIn = (payload: Uint8Array) => Buffer.from(payload).readUInt32LE();

type Heard = number | "gap" | { readonly from: number; readonly to: number };

/** A cursor that starts at the end of the server's stream, and its deliveries. */
function start({ capacity = 100, page = 100, isOpened = true } = {}) {
  const server = new Server(capacity);
  // These entries are published before the cursor starts.
  if (!isOpened) for (let count = 0; count < 3; count += 1) server.publish();
  const heard: Heard[] = [];
  /**
   * The newest entry at the time of the last gap without a range. Such a gap covers all entries up to then.
   */
  let coveredBy = 0;
  const cursor = new StreamCursor({
    payload: (payload) => heard.push(numberIn(payload)),
    gap(range) {
      heard.push(range ?? "gap");
      if (range === undefined) coveredBy = server.published;
    },
  });
  if (isOpened) cursor.ask();
  if (isOpened) cursor.compare(server.head);
  const read = () => {
    for (let reads = 0; !cursor.isInStep; reads += 1) {
      if (reads > 50) throw new Error("It never gets in step.");
      cursor.snapshot(server.snapshot(cursor.ask(), page));
    }
  };
  const publish = (count: number) => Array.from({ length: count }, () => server.publish());
  const tell = (entries: readonly StreamEntry[]) => entries.map((entry) => cursor.published(entry));
  return { server, cursor, heard, read, publish, tell, covered: () => coveredBy };
}

describe("StreamCursor", () => {
  it("delivers publications that follow each other", () => {
    const { heard, tell, publish } = start();
    tell(publish(3));
    expect(heard).to.deep.equal([1, 2, 3]);
  });

  it("fills a hole before it delivers later entries", () => {
    const { cursor, heard, tell, publish, read } = start();
    const [one, , , four, five] = publish(5);
    tell([one, four, five] as StreamEntry[]);
    expect(heard).to.deep.equal([1]);
    expect(cursor.isInStep).to.equal(false);
    read();
    expect(heard).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it("delivers publications that arrive while a hole is filled after it, once", () => {
    const { server, cursor, heard, tell, publish } = start();
    tell(publish(4).slice(3));
    const snapshot = server.snapshot(cursor.ask(), 100);
    tell(publish(2));
    cursor.snapshot(snapshot);
    expect(cursor.isInStep).to.equal(true);
    tell(publish(1));
    expect(heard).to.deep.equal([1, 2, 3, 4, 5, 6, 7]);
  });

  for (const [what, sends, count] of [
    ["no new entries", 0, 1],
    ["the next entries", 3, 1],
    ["more entries than its capacity", 9, 1],
  ] as const) {
    it(`reports one gap first after a change of the server, if the stream has ${what}`, () => {
      const { cursor, heard, tell, publish, read, server } = start({ capacity: 5, page: 3 });
      tell(publish(2));
      cursor.suspect();
      cursor.serverChanged();
      publish(sends);
      cursor.ask();
      cursor.compare(server.head);
      read();
      expect(heard.filter((item) => typeof item !== "number")).to.deep.equal(Array(count).fill("gap"));
      expect(heard.indexOf("gap")).to.equal(2);
      cursor.suspect();
      cursor.ask();
      cursor.compare(server.head);
      read();
      expect(heard.filter((item) => item === "gap")).to.have.length(1);
      tell(publish(1));
      expect(heard.at(-1)).to.equal(3 + sends);
    });
  }

  it("reports one gap after a change of the server, if the stream was rolled back or replaced", () => {
    for (const change of ["rollBack", "flush"] as const) {
      const { cursor, heard, tell, publish, read, server } = start();
      tell(publish(3));
      server[change](1);
      cursor.suspect();
      cursor.serverChanged();
      read();
      cursor.suspect();
      read();
      expect(heard, change).to.deep.equal([1, 2, 3, "gap"]);
    }
  });

  it("reports the offsets that a hole has lost", () => {
    const { heard, tell, publish, read } = start({ capacity: 3 });
    tell(publish(2));
    tell(publish(8).slice(-1));
    read();
    expect(heard).to.deep.equal([1, 2, { from: 3, to: 7 }, 8, 9, 10]);
  });

  it("reports one gap for a stream that has expired", () => {
    const { server, cursor, heard, tell, publish, read } = start();
    tell(publish(1));
    publish(3);
    server.expire();
    cursor.suspect();
    read();
    tell(publish(1));
    expect(heard).to.deep.equal([1, { from: 2, to: 4 }, 5]);
  });

  it("reads a long hole page by page", () => {
    const { heard, tell, publish, read } = start({ page: 4 });
    tell(publish(2));
    tell(publish(30).slice(-1));
    read();
    expect(heard).to.deep.equal(Array.from({ length: 32 }, (_, index) => index + 1));
  });

  it("reports one gap for a new epoch, and delivers all its entries", () => {
    const { server, heard, tell, publish, read } = start({ capacity: 3 });
    tell(publish(2));
    server.flush();
    tell(publish(5).slice(-1));
    read();
    expect(heard).to.deep.equal([1, 2, "gap", 5, 6, 7]);
  });

  it("drops held entries of an earlier epoch", () => {
    const { server, heard, tell, publish, read } = start();
    tell(publish(3).slice(2));
    server.flush();
    tell(publish(1));
    read();
    expect(heard).to.deep.equal(["gap", 4]);
  });

  it("delivers no entry twice that is published late or again", () => {
    const { cursor, heard, tell, publish, read } = start();
    const entries = publish(5);
    tell(entries.slice(0, 2));
    cursor.suspect();
    read();
    tell(entries.slice(2));
    expect(cursor.isInStep).to.equal(true);
    tell(entries);
    read();
    expect(heard).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it("delivers a repeated offset as another entry after a gap", () => {
    const { server, heard, tell, publish, read } = start();
    tell(publish(5));
    server.rollBack(2);
    tell(publish(1));
    read();
    tell(publish(3));
    expect(heard).to.deep.equal([1, 2, 3, 4, 5, "gap", 6, 7, 8, 9]);
  });

  it("detects a rollback after which the stream reached the same offset", () => {
    const { server, cursor, heard, tell, publish, read } = start();
    tell(publish(5));
    server.rollBack(2);
    publish(2);
    expect(cursor.isAt(server.head)).to.equal(false);
    cursor.suspect();
    read();
    expect(heard).to.deep.equal([1, 2, 3, 4, 5, "gap", 6, 7]);
  });

  it("detects a rollback after which the stream reached a higher offset", () => {
    const { server, heard, tell, publish, read } = start();
    tell(publish(5));
    server.rollBack(2);
    publish(4);
    tell(publish(1));
    read();
    expect(heard).to.deep.equal([1, 2, 3, 4, 5, "gap", 6, 7, 8, 9, 10]);
  });

  it("reports a gap if its last entry was just trimmed, because it may have been replaced", () => {
    const { server, cursor, heard, tell, publish, read } = start({ capacity: 3 });
    tell(publish(5));
    server.rollBack(1);
    publish(4);
    cursor.suspect();
    read();
    expect(heard).to.deep.equal([1, 2, 3, 4, 5, "gap", 7, 8, 9]);
  });

  it("reports another gap for entries trimmed after the first gap", () => {
    const { server, cursor, heard, tell, publish, read } = start({ capacity: 3 });
    server.flush();
    tell(publish(1));
    cursor.snapshot(server.snapshot(cursor.ask(), 100));
    publish(5);
    read();
    expect(heard).to.deep.equal(["gap", { from: 2, to: 3 }, 4, 5, 6]);
  });

  it("reports a gap for an entry that was held, dropped, and is missing in the stream", () => {
    const { server, cursor, heard, tell, publish, read } = start();
    const [one, , three] = publish(3);
    tell([one, three] as StreamEntry[]);
    server.rollBack(2);
    cursor.suspect();
    cursor.ask();
    cursor.compare(server.head);
    expect(cursor.isInStep).to.equal(false);
    read();
    tell(publish(1));
    expect(heard).to.deep.equal([1, "gap", 4]);
  });

  it("reports a gap for a dropped entry whose offset another dropped entry has taken", () => {
    const { server, cursor, heard, tell, publish, read } = start();
    tell(publish(2).slice(1));
    server.rollBack(1);
    cursor.suspect();
    tell(publish(1));
    cursor.suspect();
    read();
    expect(heard).to.deep.equal(["gap", 1, 3]);
  });

  it("does not look for a dropped entry in a snapshot that was requested before", () => {
    const { server, cursor, heard, tell, publish, read } = start();
    tell(publish(2).slice(1));
    const outdated = server.snapshot(cursor.ask(), 100);
    tell(publish(1));
    cursor.suspect();
    cursor.snapshot(outdated);
    read();
    expect(heard).to.deep.equal([1, 2, 3]);
  });

  it("delivers no entry again if another rollback interrupts the reading after a rollback", () => {
    const { server, cursor, heard, tell, publish, read } = start();
    tell(publish(3));
    server.rollBack(1);
    tell(publish(1));
    cursor.snapshot(server.snapshot(cursor.ask(), 100));
    cursor.suspect();
    server.rollBack(1);
    publish(1);
    read();
    expect(heard).to.deep.equal([1, 2, 3, "gap", "gap", 5]);
  });

  it("delivers no entry again if the reading after a rollback is given up", () => {
    const { server, cursor, heard, tell, publish, read } = start();
    tell(publish(3));
    server.rollBack(1);
    tell(publish(1));
    cursor.snapshot(server.snapshot(cursor.ask(), 100));
    cursor.giveUp();
    tell(publish(2).slice(1));
    read();
    expect(heard).to.deep.equal([1, 2, 3, "gap", "gap", 4, 5, 6]);
  });

  it("reports a gap if connections break again and again before the stream can be read", () => {
    const { cursor, heard, tell, publish, read } = start();
    publish(1);
    for (let cuts = 0; cuts < 17; cuts += 1) {
      tell(publish(1));
      cursor.suspect();
    }
    expect(heard).to.deep.equal(["gap"]);
    read();
    expect(heard).to.deep.equal(["gap", ...Array.from({ length: 18 }, (_, index) => index + 1)]);
  });

  it("is not put in step by a reply that was requested before it was put out of step again", () => {
    const { server, cursor, heard, tell, publish } = start();
    tell(publish(5));
    cursor.suspect();
    const outdated = server.snapshot(cursor.ask(), 100);
    server.rollBack(2);
    publish(2);
    cursor.suspect();
    tell(publish(1));
    cursor.snapshot(outdated);
    expect(cursor.isInStep).to.equal(false);
    cursor.snapshot(server.snapshot(cursor.ask(), 100));
    cursor.snapshot(server.snapshot(cursor.ask(), 100));
    expect(heard).to.deep.equal([1, 2, 3, 4, 5, "gap", 6, 7, 8]);
  });

  it("limits the entries that it holds, and reads the rest again", () => {
    const { heard, tell, publish, read } = start({ capacity: 1_000 });
    tell(publish(500).slice(1));
    read();
    expect(heard).to.deep.equal(Array.from({ length: 500 }, (_, index) => index + 1));
    const another = start({ capacity: 1_000 });
    another.tell(another.publish(500).slice(1));
    another.cursor.giveUp();
    expect(another.heard.length).to.be.lessThan(130);
    expect(another.heard.at(-1)).to.equal(500);
  });

  it("reports a gap when it gives up, and continues with the next publication", () => {
    const { cursor, heard, tell, publish } = start();
    const entries = publish(9);
    tell([0, 3, 4, 4, 7].map((index) => entries[index]) as StreamEntry[]);
    cursor.giveUp();
    tell(entries.slice(8));
    expect(heard).to.deep.equal([1, { from: 2, to: 3 }, 4, 5, { from: 6, to: 7 }, 8, 9]);
  });

  it("accepts its first head and its subscription in any order, and loses nothing after both", () => {
    const step = fc.constantFrom(
      "publish",
      "publish",
      "subscribe",
      "read head",
      "hear head",
      "tell",
      "snapshot",
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(fc.record({ isLost: fc.boolean(), isRead: fc.boolean() }), { maxLength: 12 }),
        fc.constantFrom(2, 5, 100),
        (script, later, capacity) => {
          const { server, heard, cursor, read } = start({ capacity, isOpened: false });
          const before = server.published;
          const wire: StreamEntry[] = [];
          const places = new Map<number, StreamEntry>();
          let isSubscribed = false;
          let head: Head | undefined;
          let isHeadHeard = false;
          const publish = (isLost = false) => {
            const entry = server.publish();
            places.set(server.published, entry);
            if (isSubscribed && !isLost) wire.push(entry);
          };
          const tell = () => {
            const entry = wire.shift();
            if (entry !== undefined) cursor.published(entry);
          };
          const hearHead = () => {
            if (head === undefined || isHeadHeard) return;
            isHeadHeard = true;
            cursor.compare(head);
          };
          for (const action of [...script, "read head", "hear head", "subscribe"]) {
            if (action === "publish") publish();
            else if (action === "subscribe") isSubscribed = true;
            else if (action === "read head") head ??= server.head;
            else if (action === "hear head") hearHead();
            else if (action === "tell") tell();
            else if (!cursor.isInStep) cursor.snapshot(server.snapshot(cursor.ask(), 100));
          }
          // From here on the member has joined.
          const joined = server.published;
          for (const { isLost, isRead } of later) {
            publish(isLost);
            if (isRead) tell();
            if (isRead) read();
          }
          publish();
          while (wire.length > 0) tell();
          read();
          const numbers = heard.filter((what) => typeof what === "number");
          expect(numbers[0]).to.be.greaterThan(before);
          if (capacity === 100) {
            // Nothing was trimmed, so there must be no gap.
            expect(heard).to.deep.equal(numbers);
            expect(numbers[0]).to.be.at.most(joined + 1);
          }
          for (const number of places.keys()) {
            if (number <= joined && number < Number(numbers[0])) places.delete(number);
          }
          assertAccounted(heard, places, 0);
        },
      ),
      { numRuns: 600 },
    );
  });

  it("delivers each entry once or covers it by a gap, after any sequence of events", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("publish" as const), isLost: fc.boolean() }) },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constantFrom("tell", "answer", "ask"), isLost: fc.boolean() }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom("again", "compare", "giveUp", "reconnect", "failover", "flush", "expire"),
          isLost: fc.boolean(),
        }),
      },
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 2, max: 5 }),
        (script, capacity, page) => {
          const { server, cursor, heard, read, covered } = start({ capacity, page });
          // Publications, and a snapshot, that have not reached the cursor yet.
          let wire: StreamEntry[] = [];
          let told: StreamEntry[] = [];
          let snapshot: Snapshot | undefined;
          /** The position of each entry, by number. */
          const places = new Map<number, StreamEntry>();
          const known = new Set<number>();
          const reconnect = () => {
            wire = [];
            told = [];
            cursor.suspect();
          };
          for (const { do: action, isLost } of script) {
            if (action === "publish") {
              const entry = server.publish();
              places.set(numberIn(entry.payload), entry);
              if (!isLost) wire.push(entry);
            } else if (action === "tell") {
              const entry = wire.shift();
              if (entry === undefined) continue;
              told.push(entry);
              known.add(numberIn(entry.payload));
              cursor.published(entry);
            } else if (action === "again") for (const entry of told.slice(-2)) cursor.published(entry);
            else if (action === "ask") {
              if (!cursor.isInStep) snapshot = server.snapshot(cursor.ask(), page);
            } else if (action === "answer") {
              if (snapshot !== undefined && !cursor.isInStep) cursor.snapshot(snapshot);
              snapshot = undefined;
            } else if (action === "compare") {
              if (!cursor.isInStep) cursor.ask();
              if (!cursor.isInStep) cursor.compare(server.head);
            } else if (action === "giveUp") {
              if (!cursor.isInStep) cursor.giveUp();
            } else if (action === "reconnect") reconnect();
            else if (action === "failover") {
              for (const { payload } of server.rollBack(isLost ? 1 : 3)) {
                // If the cursor has not received a lost entry before, it cannot detect the loss.
                if (!known.has(numberIn(payload))) places.delete(numberIn(payload));
              }
              reconnect();
            } else if (action === "flush") server.flush();
            else server.expire();
          }
          // At the end the connection is replaced, and the heads are compared.
          reconnect();
          read();
          const end = server.publish();
          places.set(server.published, end);
          cursor.published(end);
          read();
          assertAccounted(heard, places, covered());
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

/**
 * Checks that the numbers increase, that each arrives once, and that a gap covers the numbers missing between
 * two.
 */
function assertAccounted(
  heard: readonly Heard[],
  places: ReadonlyMap<number, StreamEntry>,
  coveredBy: number,
): void {
  let last = 0;
  let gaps: Heard[] = [];
  for (const what of heard) {
    if (typeof what !== "number") {
      gaps.push(what);
      continue;
    }
    expect(what, `${JSON.stringify(heard)}: twice, or out of order`).to.be.greaterThan(last);
    for (let missing = last + 1; missing < what; missing += 1) {
      const offset = places.get(missing)?.offset;
      if (offset === undefined) continue;
      const isCovered =
        missing <= coveredBy ||
        gaps.some((gap) => typeof gap === "object" && gap.from <= offset && offset <= gap.to);
      expect(isCovered, `${JSON.stringify(heard)}: ${missing} at ${offset} is lost silently`).to.equal(true);
    }
    last = what;
    gaps = [];
  }
  expect(last, `${JSON.stringify(heard)}: the last is missing`).to.equal(Math.max(...places.keys()));
}
