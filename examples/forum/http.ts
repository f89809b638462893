import { type Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { z } from "zod";
import { newPost, newTopic, type Post, type Topic, vote } from "./contract.ts";
import type { Posts } from "./posts.ts";

/** Tells the pages what has changed. */
export interface Notices {
  topic(topic: Topic): Promise<void>;
  post(post: Post): Promise<void>;
  score(post: Post): Promise<void>;
}

/** The page and the requests that change the forum. */
export function createApp(posts: Posts, page: { html: string; script: string }, tell: Notices): Hono {
  const app = new Hono();
  app.get("/", (context) => context.html(page.html));
  app.get("/page.js", (context) => context.body(page.script, 200, { "Content-Type": "text/javascript" }));

  // The name is all that a user needs here. A real forum checks a password, and signs its cookie.
  app.put("/name", async (context) => {
    const { name } = z.object({ name: z.string().trim().min(1).max(40) }).parse(await context.req.json());
    setCookie(context, "name", name, { httpOnly: true, sameSite: "Strict", path: "/" });
    return context.body(null, 204);
  });
  app.get("/name", (context) => context.json({ name: getCookie(context, "name") ?? null }));

  /** A request that changes something: checks its user and its body, and tells the pages of the result. */
  function change<Body, Result>(
    path: string,
    schema: z.ZodType<Body>,
    apply: (user: string, id: number, body: Body) => Promise<Result | undefined>,
    announce: (result: Result) => Promise<void>,
  ) {
    app.post(path, async (context: Context) => {
      const user = getCookie(context, "name");
      if (!user) return context.json({ error: "Sign in first" }, 401);
      const body = schema.parse(await context.req.json());
      const result = await apply(user, Number(context.req.param("id")), body);
      if (result === undefined) return context.json({ error: "Not found" }, 404);
      await announce(result);
      return context.json(result as object, 201);
    });
  }
  change("/topics", newTopic, (user, _id, { title }) => posts.addTopic(user, title), tell.topic);
  change(
    "/topics/:id{\\d{1,9}}/posts",
    newPost,
    (user, id, { text }) => posts.addPost(user, id, text),
    tell.post,
  );
  change(
    "/posts/:id{\\d{1,9}}/votes",
    vote,
    (user, id, { value }) => posts.vote(user, id, value),
    tell.score,
  );

  app.onError((error, context) => {
    const isInvalid = error instanceof z.ZodError || error instanceof SyntaxError;
    if (isInvalid) return context.json({ error: error.message }, 400);
    console.error(error); // the message may be one of the database
    return context.json({ error: "Internal error" }, 500);
  });
  return app;
}
