import { contractConsumer, frames, handlers, relay, WebSocketConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";

const numbered = z.object({ from: z.string(), number: z.int() });

/** The members of a room exchange numbers. The reply says that the number was sent to the group. */
const roomAt = <P extends string>(path: P) =>
  contract({
    path,
    client: { say: { payload: numbered, reply: z.object({}) } },
    server: { said: numbered, missed: z.object({}) },
  });

/** A room on a layer that delivers once, or announces a gap. */
export const room = roomAt("/room/:name");
/** A room on a layer that delivers at most once, and announces gaps. */
export const lobby = roomAt("/lobby/:name");

interface RoomMessages {
  said: z.infer<typeof numbered>;
}

/** The time after which a client that is away is given up, in milliseconds. */
const resumeMs = 5_000;

export class Room extends contractConsumer(room)<{ messages: RoomMessages }> {
  static override readonly layer = "streams";
  static override readonly session = { recover: true, resumeMs };
  static override readonly frames = frames<Room>({
    async say(payload) {
      await this.groupSend(this.#group, { type: "said", ...payload });
      return {};
    },
  });
  static override readonly on = handlers<Room>({ said: relay });
  readonly #group = `room_${this.scope.params.name}`;

  override async connect() {
    this.tag("member");
    this.track(this.#group, {});
    await this.groupAdd(this.#group);
  }
}

export class Lobby extends contractConsumer(lobby)<{ messages: RoomMessages }> {
  static override readonly layer = "pubsub";
  static override readonly session = { resumeMs };
  static override readonly frames = frames<Lobby>({
    async say(payload) {
      await this.groupSend(this.#group, { type: "said", ...payload });
      return {};
    },
  });
  static override readonly on = handlers<Lobby>({ said: relay });
  readonly #group = `lobby_${this.scope.params.name}`;

  override async connect() {
    await this.groupAdd(this.#group);
  }

  override onGap() {
    this.send("missed", {});
  }
}

/** Sends texts back. The text `much` is answered with 100 KiB. */
export class Echo extends WebSocketConsumer {
  static override readonly session = false;
  override receive(text: string) {
    this.send(text === "much" ? text.repeat(25_000) : text);
  }
}

/** Submits a job for each number, and says so. */
export class Jobs extends WebSocketConsumer {
  static override readonly layer = "streams";
  static override readonly session = false;
  override async receive(number: string) {
    await this.submit("squares", { type: "square", number: Number(number) });
    this.send(number);
  }
}
