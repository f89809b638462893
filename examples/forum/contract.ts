// The frames of the socket and the bodies of the HTTP requests, which the page and the server share.
import { contract } from "greenroom/contract";
import { z } from "zod";

export const topic = z.object({ id: z.int(), title: z.string(), author: z.string() });
export const post = z.object({
  id: z.int(),
  topic: z.int(),
  author: z.string(),
  text: z.string(),
  score: z.int(),
});
export type Topic = z.infer<typeof topic>;
export type Post = z.infer<typeof post>;

export const newTopic = z.object({ title: z.string().trim().min(1).max(200) });
export const newPost = z.object({ text: z.string().trim().min(1).max(10_000) });
export const vote = z.object({ value: z.union([z.literal(1), z.literal(-1)]) });

export const forum = contract({
  path: "/ws/forum",
  client: {
    /** The reply has the present topics. Later ones follow as `topic`. */
    list: { payload: z.object({}), reply: z.array(topic) },
    /** Leaves the topic that is open. The reply has the present posts. Later ones follow as `post` and `score`. */
    open: { payload: z.object({ topic: z.int() }), reply: z.array(post) },
  },
  server: { topic, post, score: post.pick({ id: true, topic: true, score: true }) },
});
