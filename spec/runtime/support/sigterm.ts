// A server that ends on SIGTERM, which it sends itself while clients are connected: run by exits.spec.ts. That it ends at
// all shows that no timer and no socket is left.
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
  // What was sent last, the word that this node goes, leaves at the end of this turn.
  await new Promise((resolve) => setImmediate(resolve));
  const handles = process.getActiveResourcesInfo().filter((name) => !/^(TTY|Pipe|FSReq|CloseReq)/.test(name));
  say(`handles: ${handles.join(", ") || "none"}`);
});
process.kill(process.pid, "SIGTERM");
