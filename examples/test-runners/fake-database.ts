import type { Database } from "./draft.ts";

/** A database that remembers what it was told to save, and fails as often as it is told. */
export class FakeDatabase implements Database {
  readonly saved: string[] = [];
  failures = 0;

  async save(text: string): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error("The database is down.");
    }
    this.saved.push(text);
  }
}
