import { contractConsumer, frames, handlers, relay } from "greenroom";
import { forum, type Post, type Topic } from "./contract.ts";
import type { Posts } from "./posts.ts";

interface Messages {
  topic: Topic;
  post: Post;
  score: Pick<Post, "id" | "topic" | "score">;
}

/** The group of the clients that see a topic. */
export const groupOf = (topic: number) => `topic_${topic}`;

/** A page: hears of new topics, and of what happens in the topic that it has opened. */
export class Board extends contractConsumer(forum)<{
  messages: Messages;
  services: { posts: Posts };
  user: string;
}> {
  static override readonly layer = "forum";
  static override readonly on = handlers<Board>({ topic: relay, post: relay, score: relay });
  static override readonly frames = frames<Board>({
    list() {
      return this.services.posts.topics();
    },
    async open({ topic }) {
      if (this.#open !== undefined) await this.groupDiscard(groupOf(this.#open));
      this.#open = topic;
      await this.groupAdd(groupOf(topic)); // first, so that no post falls between the reply and the group
      return this.services.posts.of(topic);
    },
  });
  #open: number | undefined;

  override async connect() {
    await this.groupAdd("topics");
  }
}
