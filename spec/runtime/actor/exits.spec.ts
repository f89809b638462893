import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { WebSocket } from "ws";
import { until } from "../../layers/support/until.ts";
import { bundled } from "../../support/bundled.ts";
import { run } from "../../support/child-process.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { openPremises, type Premises } from "../support/premises.ts";

interface ExitCase {
  readonly name: string;
  readonly kinds: readonly ("class" | "machine")[];
  /** Whether the connection was accepted, so that `disconnect` runs. */
  readonly accepted: boolean;
  /** The errors that `onError` receives. */
  readonly failures?: readonly RegExp[];
  /** Resolves when the connection is about to end. */
  leave(premises: Premises, kind: string): Promise<unknown>;
}

const both = ["class", "machine"] as const;
const ask = (client: Client, type: string) => client.send(JSON.stringify({ type }));

function cut({ websocket }: Client): void {
  const { _socket: socket } = websocket as WebSocket & { _socket: { resetAndDestroy(): void } };
  socket.resetAndDestroy();
}

const exitCases: readonly ExitCase[] = [
  {
    name: "a clean close by the client",
    kinds: both,
    accepted: true,
    leave: async (premises, kind) => (await premises.enter(kind)).close(1000),
  },
  {
    name: "a close by the consumer",
    kinds: both,
    accepted: true,
    async leave(premises, kind) {
      const client = await premises.enter(kind);
      ask(client, "close");
      expect(await client.closed).to.deep.equal({ code: 4000, reason: "enough" });
    },
  },
  {
    name: "a TCP reset",
    kinds: both,
    accepted: true,
    leave: async (premises, kind) => cut(await premises.enter(kind)),
  },
  {
    name: "a half-open client, which answers no ping",
    kinds: both,
    accepted: true,
    leave: async (premises, kind) => (await premises.enter(kind, { autoPong: false })).closed,
  },
  {
    name: "a failure of the consumer",
    kinds: both,
    accepted: true,
    failures: [/^(receive: thrown by a handler|machine: thrown by a machine)$/],
    async leave(premises, kind) {
      const client = await premises.enter(kind);
      ask(client, "throw");
      expect(await client.closed).to.include({ code: 1011 });
    },
  },
  {
    name: "a connect that throws",
    kinds: ["class"],
    accepted: false,
    failures: [/^connect: thrown by connect$/],
    async leave({ url }) {
      expect(await Client.refused(`${url}/class?as=failing`)).to.include({ status: 500 });
    },
  },
  {
    name: "a rejected upgrade",
    kinds: ["class"],
    accepted: false,
    async leave({ url }) {
      expect(await Client.refused(`${url}/class?as=rejected`)).to.include({ status: 409 });
    },
  },
  {
    name: "a client that goes while connect runs",
    kinds: ["class"],
    accepted: false,
    async leave(premises) {
      const door = gate();
      premises.book.door = door.opened;
      const { arrivals } = premises.book;
      const { websocket } = new Client(`${premises.url}/class`);
      await until(() => premises.book.arrivals > arrivals);
      websocket.terminate();
      await until(() => premises.sockets.size === 1);
      door.open();
      premises.book.door = undefined;
    },
  },
  {
    name: "a client that goes while a join is pending",
    kinds: both,
    accepted: true,
    async leave({ chat, url, sockets }, kind) {
      const join = gate();
      chat.backend.hold = join.opened;
      const client = await Client.open(`${url}/${kind}`);
      cut(client);
      await until(() => sockets.size === 1);
      chat.backend.hold = undefined;
      join.open();
    },
  },
  {
    name: "spawn and stop",
    kinds: both,
    accepted: true,
    async leave({ runtime, Guest, GuestMachine }, kind) {
      const actor = await (kind === "class" ? runtime.spawn(Guest) : runtime.spawn(GuestMachine));
      expect(await actor.stop()).to.deep.equal({ code: 1000, reason: "", by: "client" });
    },
  },
];

describe("Every exit", () => {
  let premises: Premises;
  let bystander: Client;
  beforeEach(async () => {
    premises = await openPremises({ pingIntervalMs: 64 });
    bystander = await Client.open(`${premises.url}/class`);
    await bystander.next();
    // The channels of the bystander and of the runtime leave the group of the guests.
    for (const channel of premises.chat.channels) {
      await premises.chat.groupAdd("elsewhere", channel);
      await premises.chat.groupDiscard("guests", channel);
    }
  });
  afterEach(() => premises.close());

  async function echo(): Promise<void> {
    ask(bystander, "echo");
    expect(JSON.parse(String(await bystander.next()))).to.deep.equal({ type: "echo" });
  }

  for (const { name, kinds, accepted, failures = [], leave } of exitCases) {
    for (const kind of kinds) {
      it(`leaves nothing behind: ${name} (${kind})`, async () => {
        const { chat, book } = premises;
        const before = premises.census();
        const made = chat.channels.length;
        await leave(premises, kind);
        await premises.returned(before);
        expect(book.disconnects).to.equal(accepted ? 1 : 0);
        expect(premises.failures).to.have.length(failures.length);
        for (const [index, failure] of failures.entries()) {
          expect(premises.failures[index]).to.match(failure);
        }
        expect(chat.channels).to.have.length(made + 1);
        expect(await chat.living(chat.channels.slice(made))).to.deep.equal([]);
        await echo();
        // No clean-up runs twice or late.
        await premises.returned(before);
        expect(book.disconnects).to.equal(accepted ? 1 : 0);
      });
    }
  }

  for (const kind of both) {
    it(`leaves nothing behind: the runtime closes (${kind})`, async () => {
      const door = gate();
      const own = await openPremises();
      const unlistened = premises.census().listeners;
      const guests = [await own.enter(kind), await own.enter(kind), await own.enter("class")];
      own.book.door = door.opened;
      const late = Client.refused(`${own.url}/class`);
      await until(() => own.runtime.size === 4);
      const closing = own.runtime.close({ drainMs: 60_000 });
      expect(await late).to.include({ status: 503 });
      door.open();
      for (const guest of guests) expect(await guest.closed).to.include({ code: 1012 });
      await closing;
      own.server.close();
      own.server.closeAllConnections();
      await once(own.server, "close");
      const { listeners, ...left } = own.census();
      // Topics are not compared: the closed backend is responsible for its subscriptions.
      expect(left).to.include({ actors: 0, timers: 0, children: 0, sockets: 0 });
      expect(listeners.slice(-2)).to.deep.equal([0, 0]);
      expect(listeners.slice(0, 5)).to.deep.equal(unlistened.slice(0, 5));
      expect(own.book.disconnects).to.equal(3);
      expect(own.failures).to.deep.equal([]);
      await echo();
    });
  }

  it("leaves nothing behind: SIGTERM ends the process", async () => {
    const program = fileURLToPath(new URL("../support/sigterm.ts", import.meta.url));
    const { stdout } = await run(process.execPath, [await bundled(program)]);
    expect(stdout.trim().split("\n")).to.deep.equal([
      "clients: 1012 1012 1012",
      'left: {"actors":0,"timers":0,"children":0,"sockets":0}',
      "disconnects: 3",
      "listeners: 0,0",
      "handles: none",
    ]);
    await echo();
  });
});
