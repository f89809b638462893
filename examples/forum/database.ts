import { PGlite } from "@electric-sql/pglite";
import pg from "pg";

/** A database that speaks PostgreSQL. */
export interface Database {
  query<Row>(sql: string, values?: unknown[]): Promise<{ readonly rows: Row[] }>;
  close(): Promise<void>;
}

const tables = [
  "create table if not exists topics (id serial primary key, title text not null, author text not null)",
  `create table if not exists posts (id serial primary key, topic int not null references topics,
     author text not null, text text not null)`,
  `create table if not exists votes (post int references posts, voter text, value int not null,
     primary key (post, voter))`,
];

/**
 * Opens a PostgreSQL server by its URL, or else the database in a folder of this process, and creates the tables.
 *
 * @throws if the server does not answer
 */
export async function openDatabase(url: string | undefined, folder: string): Promise<Database> {
  const db = url === undefined ? await PGlite.create(folder) : serverAt(url);
  for (const sql of tables) await db.query(sql);
  return db;
}

function serverAt(connectionString: string): Database {
  const pool = new pg.Pool({ connectionString });
  return {
    async query<Row>(sql: string, values: unknown[] = []) {
      return { rows: (await pool.query(sql, values)).rows as Row[] };
    },
    close: () => pool.end(),
  };
}
