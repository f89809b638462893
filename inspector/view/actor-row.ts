import type { Observed } from "../../runtime/inspection-hooks.ts";
import { truncate } from "../../runtime/truncate.ts";
import { statesOf } from "../activity/states.ts";
import type { ActorRow } from "../protocol.ts";

const groupsShown = 20;
const tagsShown = 20;
const longestText = 300;

/** What a row needs to know that the actor itself does not say. */
export interface RowContext {
  readonly consumer: string;
  readonly lastError: ActorRow["lastError"];
  /** What time it is by the runtime's clock, in milliseconds. */
  readonly now: number;
}

/** What is shown of an actor. */
export function rowOf(actor: Observed, { consumer, lastError, now }: RowContext): ActorRow {
  const { machine, machineActor, groups, mailbox } = actor;
  const { address, joined } = groups;
  return {
    id: machine.sessionId,
    consumer,
    ...(address !== undefined && { channel: address }),
    path: truncate(actor.scope.path, longestText),
    state: statesOf(machine.getSnapshot()),
    ...(machineActor && { own: truncate(statesOf(machineActor.getSnapshot()), longestText) }),
    groups: joined.slice(0, groupsShown),
    groupCount: joined.length,
    tags: [...actor.tags].slice(0, tagsShown),
    mailbox: mailbox.size,
    busy: mailbox.busy,
    waitingBytes: actor.waitingBytes,
    ageMs: Math.max(0, Math.round(now - actor.since)),
    ...(lastError && { lastError }),
  };
}
