import { Injectable } from "@nestjs/common";
import type { Note } from "./contract.ts";

/** Stands for a database. */
@Injectable()
export class Notes {
  readonly #notes: Note[] = [];

  async add(by: string, text: string): Promise<Note> {
    const note = { id: this.#notes.length + 1, by, text };
    this.#notes.push(note);
    return note;
  }

  async all(): Promise<readonly Note[]> {
    return this.#notes;
  }
}
