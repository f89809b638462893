import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { countCodeLines } from "../../bench/jitter/code-lines.ts";
import { Line } from "../../bench/jitter/line.ts";
import { cutsOf } from "../../bench/jitter/plan.ts";
import { Receipts } from "../../bench/jitter/receipts.ts";

describe("Receipts of a client", () => {
  function receiptsOf(events: readonly (number | "gap")[]): Receipts {
    const receipts = new Receipts(6);
    for (const event of events) {
      if (event === "gap") receipts.announceGap();
      else receipts.receive(event);
    }
    return receipts;
  }

  it("count each headline once, and further copies as duplicates", () => {
    const receipts = receiptsOf([0, 1, 1, 2, 1]);
    expect(receipts).to.include({ broadcasts: 6, received: 3, duplicated: 2, gaps: 0, silentlyLost: 3 });
  });

  it("do not count a missing headline as lost silently if a gap stands in its place", () => {
    expect(receiptsOf([0, 1, "gap", 4, 5])).to.include({ received: 4, gaps: 1, silentlyLost: 0 });
    expect(receiptsOf(["gap", 3, 4, 5])).to.include({ silentlyLost: 0 });
    expect(receiptsOf([0, 1, 2, "gap"])).to.include({ silentlyLost: 0 });
  });

  it("count a missing headline as lost silently if the gap stands elsewhere", () => {
    expect(receiptsOf([0, 2, "gap", 3, 4, 5])).to.include({ silentlyLost: 1 });
    expect(receiptsOf(["gap", 0, 1, 2, 4, 5])).to.include({ silentlyLost: 1 });
    expect(receiptsOf([0, 1, "gap", 3])).to.include({ silentlyLost: 2 });
  });

  it("do not count a headline that arrives late as lost", () => {
    expect(receiptsOf([0, 1, "gap", 3, 4, 5, 2])).to.include({ received: 6, silentlyLost: 0 });
  });

  it("refuse a number that was never sent", () => {
    expect(() => receiptsOf([6])).to.throw("The headline 6 was never sent.");
  });
});

describe("The cuts of the jitter benchmark", () => {
  const amounts = { clients: 500, broadcasts: 60, cuts: 1_700 };

  it("are the same in each measurement, and within the time of the broadcasts", () => {
    const cuts = cutsOf(amounts);
    expect(cuts).to.have.lengthOf(1_700).and.deep.equal(cutsOf(amounts));
    expect(Math.min(...cuts.map(({ atMs }) => atMs))).to.be.at.least(0);
    expect(Math.max(...cuts.map(({ atMs }) => atMs))).to.be.below(30_000);
  });

  it("leave a client 3 s to come back, and give each client 3 or 4 cuts", () => {
    const cuts = cutsOf(amounts);
    for (let client = 0; client < amounts.clients; client += 1) {
      const own = cuts.filter((cut) => cut.client === client);
      expect(own.length).to.be.within(3, 4);
      for (const [index, { atMs }] of own.slice(1).entries())
        expect(atMs - (own[index]?.atMs ?? 0)).to.be.at.least(3_000);
    }
  });
});

describe("Code lines", () => {
  it("are lines without imports, comments and blank lines", () => {
    const text =
      'import {\n  a,\n} from "a";\n\n/**\n * A comment.\n */\nconst b = a; // 1\n// 2\nconst c = "import x";\n';
    expect(countCodeLines(text)).to.equal(2);
  });
});

describe("Line", () => {
  let server: Server;
  let line: Line;
  const served: Socket[] = [];

  beforeEach(async () => {
    server = createServer((socket) => {
      served.push(socket.on("error", () => {}));
      socket.pipe(socket);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    line = await Line.open((server.address() as AddressInfo).port);
  });

  afterEach(async () => {
    await line.close();
    server.close();
    for (const socket of served.splice(0)) socket.destroy();
  });

  async function echoed(text: string): Promise<Socket> {
    const client = connect(line.port, "127.0.0.1").on("error", () => {});
    client.write(text);
    const [bytes] = await once(client, "data");
    expect(`${bytes}`).to.equal(text);
    return client;
  }

  it("forwards bytes in both directions, and knows that the client is connected", async () => {
    expect(line.connectedMs).to.equal(0);
    await echoed("hello");
    expect(line.connectedMs).to.be.above(0);
  });

  it("destroys both sides of a connection when it is cut", async () => {
    const client = await echoed("hello");
    const [atServer] = served;
    const closed = [client, atServer].map((socket) => socket && once(socket, "close"));
    line.cut(60_000);
    await Promise.all(closed);
    expect(line.connectedMs).to.equal(0);
  });

  it("ends the client's connection when the server ends its own", async () => {
    const client = await echoed("hello");
    served[0]?.resetAndDestroy();
    await once(client, "close");
    expect(line.connectedMs).to.equal(0);
  });

  it("knows that the client is connected if an older connection ends after a newer one has begun", async () => {
    const older = await echoed("older");
    const newer = await echoed("newer");
    const ended = served[0] && once(served[0], "close");
    older.destroy();
    await ended;
    newer.write("a round trip, after which the proxy has seen the end");
    await once(newer, "data");
    expect(line.connectedMs).to.be.above(0);
  });

  it("refuses a client that is offline, and accepts it afterwards", async () => {
    line.cut(60_000);
    const refused = connect(line.port, "127.0.0.1");
    const [error] = await once(refused, "error");
    expect(error.code).to.equal("ECONNRESET");
    expect(served).to.have.lengthOf(0);
    line.cut(0);
    await echoed("back");
  });
});
