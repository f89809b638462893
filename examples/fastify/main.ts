import cookie from "@fastify/cookie";
import session from "@fastify/session";
import Fastify from "fastify";
import { createRuntime, type Guard, MemoryLayer } from "greenroom";
import { Board } from "./board.ts";
import type { Note } from "./contract.ts";
import { Notes } from "./notes.ts";

declare module "fastify" {
  interface Session {
    user?: string;
  }
}

const { PORT = 3000, SECRET = "for development only, and long enough" } = process.env;
const notes = new Notes();
const runtime = createRuntime({
  layers: { board: new MemoryLayer<{ written: Note }>() },
  services: { notes },
});

const fastify = Fastify();
await fastify.register(cookie);
// Behind TLS, leave out `cookie`: then the cookie is secure.
await fastify.register(session, { secret: SECRET, cookie: { secure: false, sameSite: "lax" } });
fastify.post<{ Body: { name: string } }>("/sign-in", async (request, reply) => {
  // A new session: a page of another user may have planted the cookie of the old one.
  await request.session.regenerate();
  request.session.user = request.body.name;
  return reply.code(204).send();
});
fastify.get("/me", async ({ session }, reply) => session.user ?? reply.code(401).send("Sign in first"));
fastify.get("/notes", () => notes.all());

/** Asks the application for the user, so that its cookies, its plugins and its hooks count. */
const signedIn: Guard<string> = async ({ headers: { cookie = "" } }) => {
  const { statusCode, body } = await fastify.inject({ url: "/me", headers: { cookie } });
  return statusCode === 200 ? { user: body } : { status: statusCode, reason: body };
};
runtime.route(Board, { guards: [signedIn] });

fastify.addHook("onReady", () => runtime.ready());
fastify.addHook("preClose", () => runtime.close());
runtime.attach(fastify.server);
console.log(`Listening on ${await fastify.listen({ port: Number(PORT) })}`);
process.once("SIGTERM", () => void fastify.close());
