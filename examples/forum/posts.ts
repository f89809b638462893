import type { Post, Topic } from "./contract.ts";
import type { Database } from "./database.ts";

/** The topics, posts and votes in the database. */
export class Posts {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async topics(): Promise<Topic[]> {
    const { rows } = await this.#db.query<Topic>("select id, title, author from topics order by id");
    return rows;
  }

  async of(topic: number): Promise<Post[]> {
    const { rows } = await this.#db.query<Post>(`${withScore} where topic = $1 order by posts.id`, [topic]);
    return rows;
  }

  async addTopic(author: string, title: string): Promise<Topic | undefined> {
    const sql = "insert into topics (author, title) values ($1, $2) returning id, title, author";
    const { rows } = await this.#db.query<Topic>(sql, [author, title]);
    return rows[0];
  }

  /** Returns undefined if the topic does not exist. */
  async addPost(author: string, topic: number, text: string): Promise<Post | undefined> {
    const sql = `insert into posts (author, topic, text) select $1, id, $3 from topics where id = $2
      returning id, topic, author, text, 0 as score`;
    const { rows } = await this.#db.query<Post>(sql, [author, topic, text]);
    return rows[0];
  }

  /** Takes the place of an earlier vote of the same user. Returns undefined if the post does not exist. */
  async vote(voter: string, post: number, value: 1 | -1): Promise<Post | undefined> {
    const sql = `insert into votes (voter, post, value) select $1, id, $3 from posts where id = $2
      on conflict (post, voter) do update set value = excluded.value`;
    await this.#db.query(sql, [voter, post, value]);
    const { rows } = await this.#db.query<Post>(`${withScore} where posts.id = $1`, [post]);
    return rows[0];
  }
}

const withScore = `select id, topic, author, text,
  (select coalesce(sum(value), 0)::int from votes where post = posts.id) as score from posts`;
