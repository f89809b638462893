import { randomBytes } from "node:crypto";
import type { NamedActors } from "../../../actors/index.ts";
import { createRuntime } from "../../../index.ts";
import { RedisStreamsLayer } from "../../../layers/redis/index.ts";
import { redisUrl } from "../../support/redis.ts";
import { type Notes, type NotesMessages, notesMachine } from "./machine.ts";

const open = new Set<{ close(): Promise<void> }>();

export const newPrefix = (): string => `named-${randomBytes(6).toString("hex")}`;

export interface NotesNode {
  readonly notes: NamedActors<NotesMessages, Notes>;
  readonly layer: RedisStreamsLayer;
  readonly errors: readonly Error[];
  /** The dead letters of the only partition. */
  deadLetters(): Promise<readonly unknown[]>;
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a runtime with the kind "notes", of one partition, on Redis. */
export function startNotes({
  prefix = newPrefix(),
  url = redisUrl(),
  callsOnly = false,
  ...options
}: {
  readonly prefix?: string;
  readonly url?: string;
  /** Whether another process runs the actors. */
  readonly callsOnly?: boolean;
  readonly attempts?: number;
  readonly partitions?: number;
} = {}): NotesNode {
  const errors: Error[] = [];
  const onError = (error: unknown) => errors.push(error as Error);
  const layer = new RedisStreamsLayer({ url, prefix, onError });
  const runtime = createRuntime({ layers: { state: layer }, onError });
  const settings = { partitions: 1, ...options, view: ({ context }: { context: Notes }) => context };
  const notes = (callsOnly
    ? runtime.named("notes", settings)
    : runtime.named("notes", notesMachine, settings)) as unknown as NotesNode["notes"];
  const node = {
    notes,
    layer,
    errors,
    deadLetters: async () => {
      const letters = await layer.state.run((backend) => backend.deadLetters({ kind: "notes", index: 0 }));
      return letters.map((payload) => layer.state.unpack(payload, "dead notes 0"));
    },
    ready: () => runtime.ready(),
    close: async () => {
      open.delete(node);
      await runtime.close();
    },
  };
  open.add(node);
  return node;
}

export async function stopNotes(): Promise<void> {
  await Promise.all([...open].map((node) => node.close()));
}
