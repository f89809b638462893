// Starts two servers, and a proxy in front of them: npm start -- nginx
import { startProxy, startServer } from "./processes.ts";
import { proxyPrograms } from "./proxy-programs.ts";

const { REDIS_URL = "redis://localhost:6379" } = process.env;
const [name = "nginx"] = process.argv.slice(2);
const program = proxyPrograms.find((each) => each.name === name);
if (program === undefined)
  throw new Error(`Choose one of ${proxyPrograms.map((each) => each.name).join(", ")}.`);

const servers = await Promise.all([8080, 8081].map((port) => startServer(port, REDIS_URL)));
const proxy = await startProxy(program, [8000, 8080, 8081]);
process.stdout.write(`${name} on http://localhost:8000, servers on 8080 and 8081\n`);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await proxy.stop();
  });
}
