import type { Backend } from "../../../../../layers/backend.ts";
import type { RedisTarget } from "../../../../../layers/redis/index.ts";
import { createStreamsBackend } from "../../../../../layers/redis/redis-streams-layer.ts";
import type { StateBackend } from "../../../../../layers/state-backend.ts";
import type { StateNodes } from "../../../support/describe-state.ts";

export interface StateNode {
  readonly backend: Backend;
  readonly state: StateBackend;
  readonly errors: readonly Error[];
}

/** Opens a streams backend, but not its store of named actors. */
export async function openNode(target: RedisTarget): Promise<StateNode> {
  const backend = createStreamsBackend({ ...target, prefix: "chat" });
  const errors: Error[] = [];
  await backend.open({ payload() {}, gap() {}, error: (error) => errors.push(error) });
  const { state } = backend;
  if (state === undefined) throw new Error("The backend stores no named actors.");
  return { backend, state, errors };
}

/** Two nodes of one store, for `describeState`. */
export async function openNodes(target: RedisTarget): Promise<StateNodes> {
  const [one, two] = await Promise.all([openNode(target), openNode(target)]);
  const close = async () => {
    await Promise.all([one.backend.close(), two.backend.close()]);
  };
  return { one: one.state, two: two.state, close };
}
