// A server that sends itself SIGTERM while clients are connected, for exits.spec.ts. The process ends only if no
// timer and no socket is left.
import { openPremises } from "./premises.ts";

const premises = await openPremises();
const clients = [
  await premises.enter("class"),
  await premises.enter("machine"),
  await premises.enter("class"),
];
const say = (line: string) => process.stdout.write(`${line}\n`);

process.once("SIGTERM", async () => {
  premises.server.close();
  await premises.runtime.close({ drainMs: 100 });
  const codes = await Promise.all(clients.map(async (client) => (await client.closed).code));
  say(`clients: ${codes.join(" ")}`);
  const { actors, timers, children, sockets } = premises.census();
  say(`left: ${JSON.stringify({ actors, timers, children, sockets })}`);
  say(`disconnects: ${premises.book.disconnects}`);
  const listeners = ["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event));
  say(`listeners: ${listeners}`);
  // The last message, that this node leaves, is sent at the end of this turn.
  await new Promise((resolve) => setImmediate(resolve));
  const handles = process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe|FSReq|CloseReq)/.test(name));
  say(`handles: ${handles.join(", ") || "none"}`);
});
process.kill(process.pid, "SIGTERM");
