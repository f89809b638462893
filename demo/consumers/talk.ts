import { randomInt } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  contractConsumer,
  type Delivery,
  frames,
  handlers,
  type Mail,
  type PresenceDiff,
  relay,
  type Supervision,
} from "greenroom";
import type { z } from "zod";
import { lastTexts, said, talk } from "../contracts/talk.ts";
import { untilReached } from "./until-reached.ts";

type Said = z.infer<typeof said>;

export interface TalkMessages {
  said: Said;
  typing: { key: string; on: boolean };
}

/** The data of a member that the others see. */
interface Meta {
  readonly name: string;
  /** The number of renames, because presence does not report a change to an equal meta. */
  readonly renames: number;
}

export const talkGroup = (room: string) => `talk_${room}`;

/** The notices of typing have a group of their own, so that they displace no text in the history. */
const typingGroup = (room: string) => `typing_${room}`;

const typingEndsMs = 5_000;

/**
 * A room whose members have names. The frames follow the contract {@link talk}.
 *
 * Texts and notices of typing are messages of the layer. The members come from presence. So members of all
 * processes are known, and a member leaves even if its process dies.
 */
export class TalkRoom extends contractConsumer(talk)<{
  messages: TalkMessages & { presence_diff: PresenceDiff<Meta> };
}> {
  static override readonly layer = "rooms";
  static override readonly needs = ["history"] as const;
  /** A frame that fails, or an end of typing, affects no other frame. */
  static override readonly supervision: Supervision = {
    onFailure: (_, stage) => (stage === "receive" || stage === "timer" ? "resume" : "stop"),
  };
  static override readonly frames = frames<TalkRoom>({
    say({ text }) {
      const message = { key: this.channel, name: this.#name, text, at: Date.now() };
      return this.groupSend(this.#group, { type: "said", ...message });
    },
    async rename({ name }) {
      this.#name = name;
      this.#renames += 1;
      this.#track();
      await nextTurn(); // Presence reports the changes of one turn together, and a second rename may follow.
      return { name };
    },
    typing({ on }) {
      this.#cancelEnd();
      if (on) this.#cancelEnd = this.after(typingEndsMs, () => this.#type(false));
      return this.#type(on);
    },
  });
  static override readonly on = handlers<TalkRoom>({
    // Not relayed: a text can be in `welcome.last`, too.
    said(text, delivery) {
      if (!this.#isNew(delivery)) return;
      this.#last = delivery;
      this.send("said", text);
    },
    typing: relay,
    presence_diff({ joins, leaves, changes }) {
      for (const { key, metas } of [...joins, ...changes]) this.#isPresent(key, metas[0]);
      for (const { key } of leaves) if (this.#members.delete(key)) this.send("went", { key });
    },
  });

  readonly #group = talkGroup(this.scope.params.room);
  readonly #typingGroup = typingGroup(this.scope.params.room);
  #name = `Guest ${randomInt(1_000, 10_000)}`;
  #renames = 0;
  #cancelEnd = () => {};
  /** The members that the client knows. A presence diff can repeat a change of the turn of `connect`. */
  readonly #members = new Map<string, Meta>();
  /** The position of the last text that was sent to the client. */
  #last: Delivery = {};

  override async connect() {
    await this.accept();
    // The group comes first, so that no text is missed between the history and the deliveries.
    await Promise.all([this.groupAdd(this.#group), this.groupAdd(this.#typingGroup)]);
    const { entries = [], position = {} } = (await this.#history({ limit: lastTexts })) ?? {};
    this.#last = position;
    this.#track();
    for (const [key, [meta]] of this.presence<Meta>(this.#group)) if (meta) this.#members.set(key, meta);
    this.send("welcome", {
      key: this.channel,
      name: this.#name,
      members: [...this.#members].map(([key, { name }]) => ({ key, name })),
      last: entries.flatMap(textIn),
    });
    await this.drained(); // This frame is large in a room of thousands.
  }

  /** Sends the texts that were lost on the way, as far as the layer keeps them. */
  override async onGap() {
    await untilReached(this.signal, async () => {
      const { offset, epoch } = this.#last;
      const since = offset === undefined || epoch === undefined ? 0 : { offset, epoch };
      const { entries = [], position = {} } = (await this.#history({ since, limit: 500 })) ?? {};
      this.#last = position;
      for (const text of entries.flatMap(textIn)) {
        this.send("said", text);
        await this.drained();
      }
    });
  }

  #history(options: { readonly limit: number; readonly since?: number | { offset: number; epoch: string } }) {
    return this.layers[TalkRoom.layer]?.history(this.#group, options);
  }

  /** A new epoch means that the history has been started again, with new offsets. */
  #isNew({ offset = 0, epoch }: Delivery): boolean {
    return epoch !== this.#last.epoch || offset > (this.#last.offset ?? 0);
  }

  #track() {
    this.track(this.#group, { name: this.#name, renames: this.#renames } satisfies Meta);
  }

  #type(on: boolean) {
    const notice = { type: "typing", key: this.channel, on } as const;
    return this.groupSend(this.#typingGroup, notice, { except: this.channel });
  }

  #isPresent(key: string, meta: Meta | undefined) {
    const known = this.#members.get(key);
    if (meta === undefined || known?.renames === meta.renames) return;
    this.#members.set(key, meta);
    this.send(known === undefined ? "came" : "renamed", { key, name: meta.name });
  }
}

/** The text in a message of the history; nothing if another program has sent another message to the group. */
function textIn({ message }: Mail): Said[] {
  const { data } = said.safeParse(message);
  return data === undefined ? [] : [data];
}
