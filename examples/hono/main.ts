import { serve } from "@hono/node-server";
import { createRuntime, type Guard, MemoryLayer } from "greenroom";
import { Hono } from "hono";
import { getSignedCookie, setSignedCookie } from "hono/cookie";
import { Board } from "./board.ts";
import type { Note } from "./contract.ts";
import { Notes } from "./notes.ts";

const { PORT = 3000, SECRET = "for development only" } = process.env;
const notes = new Notes();
const runtime = createRuntime({
  layers: { board: new MemoryLayer<{ written: Note }>() },
  services: { notes },
});

const app = new Hono();
app.post("/sign-in", async (context) => {
  const { name } = await context.req.json<{ name: string }>();
  await setSignedCookie(context, "user", name, SECRET, { httpOnly: true, sameSite: "Lax" });
  return context.body(null, 204);
});
app.get("/me", async (context) => {
  const user = await getSignedCookie(context, SECRET, "user");
  return user ? context.text(user) : context.text("Sign in first", 401);
});
app.get("/notes", async (context) => context.json(await notes.all()));

/** Asks the application for the user, so that its cookies and its middleware count. */
const signedIn: Guard<string> = async ({ headers: { cookie = "" } }) => {
  const response = await app.request("/me", { headers: { cookie } });
  const text = await response.text();
  return response.ok ? { user: text } : { status: response.status, reason: text };
};
runtime.route(Board, { guards: [signedIn] });

await runtime.ready();
const server = serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => {
  console.log(`Listening on http://localhost:${port}`);
});
runtime.attach(server, { closeServer: true });
process.once("SIGTERM", () => void runtime.close());
