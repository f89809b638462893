import type { Consumer, ConsumerContext } from "../actors/index.ts";

/** A class of consumers, as `route` and `spawn` take it. */
export interface ConsumerClass {
  new (context: ConsumerContext): Consumer;
  readonly name: string;
  readonly layer: string | undefined;
  readonly on: object;
}
