// `npm run dev` builds the page after each change, and runs the server. `node --watch` restarts the server
// after a change of its files.
import { context } from "esbuild";
import { page } from "./page.ts";

process.env.NODE_ENV ??= "development"; // the server reads the page again for each request
process.env.DRAIN_MS ??= "0"; // a restart does not wait for connections
const watched = await context({ ...page, logLevel: "warning" });
await watched.rebuild().catch(() => {}); // esbuild has printed the error, and waits for a change
await watched.watch();
const { server } = await import("../server.ts");
server.once("close", () => void watched.dispose());
