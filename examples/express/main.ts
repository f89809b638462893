import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import express, { type Request } from "express";
import session from "express-session";
import { createRuntime, MemoryLayer, middlewareGuard } from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { Board, tagOf } from "./board.ts";
import type { Note } from "./contract.ts";
import { Notes } from "./notes.ts";

declare module "express-session" {
  interface SessionData {
    user: string;
  }
}

const { PORT = 3000, REDIS_URL: url, SECRET = "for development only" } = process.env;
const notes = new Notes();
const runtime = createRuntime({
  layers: {
    board: url
      ? new RedisPubSubLayer<{ written: Note }>({ url, prefix: "express" })
      : new MemoryLayer<{ written: Note }>(),
  },
  services: { notes },
});

// In production: a `store` that outlives the process, and `cookie.secure`.
const sessions = session({
  secret: SECRET,
  resave: false,
  saveUninitialized: false,
  cookie: { sameSite: "lax" },
});
const signedIn = middlewareGuard([sessions], ({ session: { user } }: Request) =>
  user === undefined ? { status: 401, reason: "Sign in first" } : { user },
);
runtime.route(Board, { guards: [signedIn] });

const app = express();
app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));
app.get("/client.js", (_, response) => {
  response.sendFile(fileURLToPath(import.meta.resolve("greenroom/client")));
});
app.use(express.json(), sessions);
app.post("/sign-in", (request, response, next) => {
  const name: unknown = request.body?.name;
  if (typeof name !== "string" || name === "") {
    response.status(400).send("The name is missing");
    return;
  }
  // A new session: a page of another user may have planted the cookie of the old one.
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.user = name;
    response.sendStatus(204);
  });
});
app.post("/sign-out", (request, response, next) => {
  const { user } = request.session;
  request.session.destroy((error) => {
    if (error || user === undefined) return next(error);
    const disconnected = runtime.disconnect(tagOf(user), 4001, "Signed out"); // on all nodes
    disconnected.then(() => response.sendStatus(204), next);
  });
});
app.get("/me", ({ session: { user } }, response) => {
  response.status(user === undefined ? 401 : 200).send(user ?? "Sign in first");
});
app.get("/notes", async (_, response) => {
  response.json(await notes.all());
});

await runtime.ready();
const server = app.listen(Number(PORT), () => {
  console.log(`Listening on http://localhost:${(server.address() as AddressInfo).port}`);
});
runtime.attach(server, { closeServer: true });
process.once("SIGTERM", () => void runtime.close());
