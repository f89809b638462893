import {
  closeOnSignal,
  exitWithError,
  readDrainMs,
  readLogLevel,
  readPort,
  readRedisUrl,
  readTrustProxy,
} from "./environment.ts";
import { startLog } from "./log.ts";
import { startDemo } from "./server.ts";

try {
  const port = readPort(process.env.PORT);
  const redisUrl = readRedisUrl(process.env.REDIS_URL);
  const drainMs = readDrainMs(process.env.DRAIN_MS);
  const onError = startLog(readLogLevel(process.env.LOG_LEVEL));
  const trustProxy = readTrustProxy(process.env.TRUST_PROXY);
  const inspectToken = process.env.INSPECT_TOKEN || undefined;
  const demo = await startDemo({ port, redisUrl, drainMs, trustProxy, inspectToken, onError });
  const layers = redisUrl
    ? "chat and notifications on Redis pub/sub, queue, analytics, rooms and state on Redis streams"
    : "all in memory";
  const jobs = redisUrl ? "done by workers: start some with `npm run worker`" : "done in this process";
  // A token that the user has chosen does not belong into logs.
  const isUrlSafe = inspectToken === undefined || encodeURIComponent(inspectToken) === inspectToken;
  const inspector = inspectToken
    ? `${demo.url}/inspect?token=$INSPECT_TOKEN${isUrlSafe ? "" : " (percent-encode the token)"}`
    : demo.inspectorUrl;
  process.stdout.write(
    `Greenroom demo: ${demo.url}\nInspector: ${inspector}\nLayers: ${layers}\nJobs: ${jobs}\n`,
  );
  closeOnSignal("Closing connections…", () => demo.close());
} catch (error) {
  exitWithError("The demo cannot start.", error, ", or unset REDIS_URL: layers are in memory then");
}
