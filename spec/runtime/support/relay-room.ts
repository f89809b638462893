import { contractConsumer, frames, handlers, relay, relayAs } from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";

const numbered = z.object({ n: z.number() });
const group = z.object({ group: z.string() });
/** The contract of {@link Room}. */
export const room = contract({
  path: "/room/:user",
  client: { join: group, leave: group },
  server: { said: numbered },
});

interface Messages {
  said: { n: number };
  spoken: { n: number };
  noted: { n: number };
}

/** Joins the groups of its query at once, and others when the client asks. Relays two of three messages. */
export class Room extends contractConsumer(room)<{ messages: Messages; user: { id: string } }> {
  static override readonly layer = "chat";
  static override readonly session: { readonly recover?: boolean } = { recover: true };
  static override readonly frames = frames<Room>({
    join({ group: name }) {
      return this.groupAdd(name);
    },
    leave({ group: name }) {
      return this.groupDiscard(name);
    },
  });
  static override readonly on = handlers<Room>({
    said: relay,
    spoken: relayAs("said"),
    noted({ n }) {
      this.send("said", { n: -n });
    },
  });
  static channels: string[] = [];
  override async connect() {
    Room.channels.push(this.channel);
    const names = this.scope.query.get("groups") ?? "room";
    await Promise.all(names.split(",").map((name) => this.groupAdd(name)));
  }
}
