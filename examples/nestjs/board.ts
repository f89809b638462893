import { contractConsumer, frames, handlers, relay } from "greenroom";
import { contract, type Note } from "./contract.ts";
import type { Notes } from "./notes.ts";

interface Types {
  readonly user: string;
  readonly services: { readonly notes: Notes };
  readonly messages: { readonly written: Note };
}

/** The connection of one user to the board. It knows nothing of the framework. */
export class Board extends contractConsumer(contract)<Types> {
  static override readonly layer = "board";
  static override readonly on = handlers<Board>({ written: relay });
  static override readonly frames = frames<Board>({
    async write({ text }) {
      const note = await this.services.notes.add(this.scope.user, text);
      await this.groupSend("board", { type: "written", ...note });
    },
  });

  override async connect() {
    await this.groupAdd("board");
  }
}
