// Code of a user. Each line below a `@ts-expect-error` must be refused. It is compiled, not run.
import { contractConsumer, createRuntime, frames, machineConsumer, WebSocketConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { communicate } from "greenroom/testing";
import { fromPromise, setup } from "xstate";
import { z } from "zod";

interface Database {
  read(id: string): Promise<string>;
}

class Page extends WebSocketConsumer<{ services: { db: Database } }> {
  override async receive(id: string) {
    this.send(await this.services.db.read(id));
    // @ts-expect-error the consumer declares no such service
    this.services.mail;
  }
}

class Ping extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
    // @ts-expect-error the consumer declares no services
    this.services.db;
  }
}

const board = contract({
  path: "/ws/board",
  client: { open: { payload: z.object({ item: z.string() }), reply: z.string() } },
  server: {},
});

class Board extends contractConsumer(board)<{ services: { db: Database } }> {
  static override readonly frames = frames<Board>({
    open({ item }) {
      return this.services.db.read(item);
    },
  });
}

const loading = setup({
  actors: { load: fromPromise<string, string>(() => Promise.reject(new Error("not provided"))) },
}).createMachine({ initial: "loading", states: { loading: { invoke: { src: "load", input: "1" } } } });
const Loading = machineConsumer(loading, {
  provide: ({ db }: { db: Database }) => ({
    actors: { load: fromPromise<string, string>(({ input }) => db.read(input)) },
  }),
});

const db: Database = { read: async (id) => id };
const runtime = createRuntime({ services: { db, mail: true } });
runtime.route("/ws/page", Page);
runtime.route("/ws/ping", Ping);
runtime.route(Board);
runtime.route("/ws/loading", Loading);
await runtime.spawn(Page);

const empty = createRuntime();
empty.route("/ws/ping", Ping);
// @ts-expect-error the runtime has no services
empty.route("/ws/page", Page);
// @ts-expect-error the runtime has no services
empty.route(Board);
// @ts-expect-error the runtime has no services
empty.route("/ws/loading", Loading);
// @ts-expect-error the runtime has no services
await empty.spawn(Page);

const other = createRuntime({ services: { db: "a name" } });
// @ts-expect-error the service has another type
other.route("/ws/page", Page);

communicate(Page, { services: { db } });
communicate(Page, { runtime });
communicate(Ping);
// @ts-expect-error the consumer needs a service
communicate(Page);
// @ts-expect-error the service has another type
communicate(Page, { services: { db: "a name" } });
