import { receiveMessage } from "../../actors/consumer.ts";
import { findRelay, hasRelays } from "../../actors/handlers.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Mail } from "../../layers/message.ts";
import { isFaultOfMessage } from "../mailbox/dispatcher.ts";
import type { RecoveringActor, Recovery } from "../session/recovery.ts";
import { Session } from "../session/session.ts";
import type { ContextActor } from "./actor-context.ts";

type Actor = Pick<
  ContextActor,
  "Consumer" | "groups" | "inbox" | "failed" | "runtime" | "transport" | "errorOwner"
>;

/** Starts the recovery of messages for the client of `actor`, if its class relays messages and recovers them. */
export function recoverRelays(actor: Actor): Recovery | undefined {
  const { Consumer, runtime, transport } = actor;
  const { layer: alias, on } = Consumer;
  const layer = alias === undefined ? undefined : runtime.layers[alias];
  if (layer === undefined || !(transport instanceof Session) || !hasRelays(on)) return undefined;
  return transport.recoverRelays(new RelayingActor(actor, layer));
}

class RelayingActor implements RecoveringActor {
  readonly layer: ChannelLayer;
  readonly #actor: Actor;

  constructor(actor: Actor, layer: ChannelLayer) {
    this.layer = layer;
    this.#actor = actor;
  }

  get channel(): string {
    return this.#actor.groups.channel;
  }

  runNext(work: () => Promise<void>): void {
    this.#actor.inbox.mailbox.runNext(work);
  }

  relay({ message, delivery }: Mail): void {
    const { Consumer, inbox } = this.#actor;
    const stage = `message ${message.type}`;
    try {
      if (findRelay(Consumer.on, message.type) !== undefined)
        inbox.consumer?.[receiveMessage](message, delivery);
    } catch (error) {
      if (isFaultOfMessage(error)) inbox.dropMail(error, stage);
      else this.#actor.failed(error, stage);
    }
  }

  report(error: unknown): void {
    const { Consumer, errorOwner, runtime } = this.#actor;
    runtime.occasionalReports.report(
      Consumer,
      "recover",
      () => error,
      (occasional) => errorOwner.report(occasional, "recover"),
    );
  }
}
