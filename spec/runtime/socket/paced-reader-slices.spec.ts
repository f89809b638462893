import { once } from "node:events";
import { Duplex, Writable } from "node:stream";
import { expect } from "chai";
import type { WebSocket } from "ws";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { PacedReader, sliceBytes } from "../../../runtime/socket/paced-reader.ts";
import { measureTurnMs } from "../../layers/support/virtual-clock.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { bytesOf } from "../support/frame-cases.ts";

const kilobyte = 1_024;

/** A socket and a parser that takes `msPerKilobyte` of a virtual clock. */
class Connection {
  readonly socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  readonly parser: Writable;
  readonly reader: PacedReader;
  readonly chunks: Buffer[] = [];
  /** Called for each parsed slice. */
  onSlice = (_slice: Buffer) => {};
  /** If set, the parser is asynchronous: it calls this function with its callback. */
  later: ((done: () => void) => void) | undefined;
  isPaused = false;

  constructor(scheduler: Scheduler, parse: (slice: Buffer) => void) {
    this.parser = new Writable({
      highWaterMark: 4 * kilobyte,
      write: (slice: Buffer, _encoding, done) => {
        parse(slice);
        this.chunks.push(slice);
        this.onSlice(slice);
        if (this.later === undefined) done();
        else this.later(done);
      },
    });
    // As ws does.
    this.parser.on("drain", () => {
      if (!this.isPaused) this.socket.resume();
    });
    const websocket = {
      pause: () => {
        this.isPaused = true;
        this.socket.pause();
      },
      resume: () => {
        this.isPaused = false;
        if (!this.parser.writableNeedDrain) this.socket.resume();
      },
    };
    this.reader = new PacedReader(websocket as WebSocket, this.parser, this.socket, scheduler);
    this.socket.on("data", (chunk: Buffer) => {
      // As the transport does.
      if (this.socket.isPaused()) this.reader.parse(chunk);
      else if (chunk.length > sliceBytes) this.reader.read(chunk);
      else if (!this.parser.write(chunk)) this.socket.pause();
    });
    this.socket.pause();
  }

  /** Starts to read `chunks`, which are already in the buffer of the socket. */
  receive(...chunks: readonly Buffer[]): void {
    for (const chunk of chunks) this.socket.push(chunk);
    this.socket.resume();
  }

  get parsed(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get size(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0);
  }
}

describe("PacedReader, with slices of a chunk,", () => {
  /** More bytes than a turn may parse if a kilobyte takes 1 ms. */
  let mostPerTurn: number;
  let now: number;
  let msPerKilobyte: number;
  let scheduler: Scheduler;
  before(async () => {
    mostPerTurn = 4 * (await measureTurnMs()) * kilobyte;
  });
  beforeEach(() => {
    now = 0;
    msPerKilobyte = 1;
    scheduler = new Scheduler(() => now);
  });

  function open(): Connection {
    return new Connection(scheduler, ({ length }) => {
      now += (msPerKilobyte * length) / kilobyte;
    });
  }

  /** Waits until `connection` has parsed `size` bytes. @returns the bytes parsed in each turn. */
  async function perTurn(connection: Connection, size: number): Promise<number[]> {
    const turns: number[] = [];
    for (let before = connection.size; before < size; before = connection.size) {
      expect(turns.length).to.be.below(1_000);
      await nextTurn();
      turns.push(connection.size - before);
    }
    return turns;
  }

  it("parses a chunk at once if the turn has time", async () => {
    msPerKilobyte = 0;
    const connection = open();
    const bytes = bytesOf(64 * kilobyte);
    connection.receive(bytes);
    await Promise.resolve();
    await new Promise((resolve) => process.nextTick(resolve));
    expect(connection.parsed.equals(bytes)).to.equal(true);
  });

  it("doubles the slices while they are quick, and begins with a small one again after a slow one", async () => {
    msPerKilobyte = 0;
    const connection = open();
    connection.receive(bytesOf(31 * kilobyte));
    await perTurn(connection, 31 * kilobyte);
    expect(connection.chunks.map(({ length }) => length / kilobyte)).to.deep.equal([1, 2, 4, 8, 16]);
    msPerKilobyte = 0.1;
    connection.chunks.length = 0;
    connection.receive(bytesOf(34 * kilobyte));
    await perTurn(connection, 34 * kilobyte);
    expect(connection.chunks.map(({ length }) => length / kilobyte)).to.deep.equal([32, 1, 1]);
  });

  it("parses some slices in each turn if they take long, and all in order", async () => {
    const connection = open();
    const bytes = bytesOf(200 * kilobyte + 7);
    connection.receive(bytes);
    const turns = await perTurn(connection, bytes.length);
    expect(connection.parsed.equals(bytes)).to.equal(true);
    for (const size of turns) expect(size).to.be.at.most(mostPerTurn);
    for (const size of turns.slice(1)) expect(size).to.be.above(0);
  });

  it("parses at least one slice in each turn, even if that takes longer than a turn", async () => {
    msPerKilobyte = 100;
    const connection = open();
    const bytes = bytesOf(10 * kilobyte);
    connection.receive(bytes);
    const turns = await perTurn(connection, bytes.length);
    for (const size of turns.slice(1)) expect(size).to.be.within(1, 2 * sliceBytes);
  });

  it("takes turns with other sockets", async () => {
    const connections = [open(), open(), open()];
    const bytes = bytesOf(100 * kilobyte);
    for (const connection of connections) connection.receive(bytes);
    await nextTurn();
    while (connections.some(({ size }) => size < bytes.length)) {
      const before = connections.map(({ size }) => size);
      for (const _ of connections) await nextTurn();
      for (const [index, { size }] of connections.entries()) {
        // A turn runs the task of at least one socket.
        expect(size).to.be.at.least(Math.min((before[index] ?? 0) + sliceBytes, bytes.length));
        expect(size - (before[index] ?? 0)).to.be.at.most(connections.length * mostPerTurn);
      }
    }
    for (const { parsed } of connections) expect(parsed.equals(bytes)).to.equal(true);
  });

  it("parses the rest of a chunk before the bytes that were read after it", async () => {
    const connection = open();
    const bytes = bytesOf(60 * kilobyte);
    const [first, second, third] = [
      bytes.subarray(0, 20_000),
      bytes.subarray(20_000, 40_000),
      bytes.subarray(40_000),
    ];
    connection.receive(first, second);
    await nextTurn();
    connection.socket.push(third);
    await perTurn(connection, bytes.length);
    expect(connection.parsed.equals(bytes)).to.equal(true);
  });

  it("stops after the slice in which it is held, and continues in a later turn after the release", async () => {
    msPerKilobyte = 0.1;
    const connection = open();
    const bytes = bytesOf(50 * kilobyte);
    connection.onSlice = () => {
      if (connection.chunks.length === 5) connection.reader.hold();
    };
    connection.receive(bytes);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(connection.size).to.equal(5 * sliceBytes);
    connection.reader.release();
    expect(connection.size).to.equal(5 * sliceBytes);
    await perTurn(connection, bytes.length);
    expect(connection.parsed.equals(bytes)).to.equal(true);
    expect(connection.isPaused).to.equal(false);
  });

  it("can be held and released in every slice", async () => {
    const connection = open();
    const bytes = bytesOf(50 * kilobyte);
    connection.onSlice = () => {
      connection.reader.hold();
      setImmediate(() => connection.reader.release());
    };
    connection.receive(bytes);
    await perTurn(connection, bytes.length);
    expect(connection.parsed.equals(bytes)).to.equal(true);
  });

  it("stays held if it is held again before the next turn", async () => {
    const connection = open();
    const bytes = bytesOf(50 * kilobyte);
    connection.receive(bytes);
    connection.reader.hold();
    connection.reader.release();
    connection.reader.hold();
    const { size } = connection;
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(connection.size).to.equal(size);
    connection.reader.release();
    await perTurn(connection, bytes.length);
    expect(connection.parsed.equals(bytes)).to.equal(true);
  });

  for (const slow of [false, true]) {
    it(`waits for a parser that is full, ${slow ? "in several turns" : "in turns with enough time"}`, async () => {
      msPerKilobyte = slow ? 1 : 0.1;
      const connection = open();
      let waiting: (() => void)[] = [];
      connection.later = (done) => waiting.push(done);
      const bytes = bytesOf(64 * kilobyte);
      connection.receive(bytes);
      for (let turn = 0; connection.size < bytes.length; turn += 1) {
        expect(turn).to.be.below(1_000);
        await nextTurn();
        expect(connection.parser.writableLength).to.be.at.most(4 * kilobyte + 2 * sliceBytes);
        const ready = waiting;
        waiting = [];
        for (const done of ready) done();
      }
      expect(connection.parsed.equals(bytes)).to.equal(true);
    });
  }

  it("parses nothing after the slice in which the socket is destroyed", async () => {
    msPerKilobyte = 0.1;
    const connection = open();
    connection.onSlice = () => {
      if (connection.chunks.length === 2) connection.socket.destroy();
    };
    connection.receive(bytesOf(50 * kilobyte));
    await once(connection.socket, "close");
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(connection.size).to.equal(2 * sliceBytes);
  });
});
