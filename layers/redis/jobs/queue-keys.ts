import { deadSuffix } from "../../names.ts";

/** Where a queue and its dead letters are kept. */
export interface QueueKeys {
  readonly stream: string;
  readonly dead: string;
  /** What all these keys have in common, braces included: by it is decided on which server they are. */
  readonly tag: string;
}

/**
 * The keys of a queue. One hash tag, in braces, holds for a queue, its dead letters, theirs, and so on, so that a
 * cluster keeps them in one slot: only there a message can move from one to the other in one step.
 */
export function queueKeys(queue: string): QueueKeys {
  let root = queue;
  while (root.endsWith(deadSuffix)) root = root.slice(0, -deadSuffix.length);
  // A tag ends at the first brace. No name holds a space, so two queues never get one key.
  const tag = `{${root.replaceAll("}", " ")}}`;
  const stream = tag + queue.slice(root.length);
  return { stream, dead: stream + deadSuffix, tag };
}
