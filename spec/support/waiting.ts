/** How many specs are over. */
let over = 0;

export const mochaHooks = {
  afterEach(): void {
    over += 1;
  },
};

/**
 * A function that pauses a loop of the spec that runs now. It rejects once that spec is over: one that has failed while it
 * waited would wait on for ever, and keep all of mocha from its end.
 */
export function pauses(ms: number): () => Promise<void> {
  const mine = over;
  return async () => {
    if (mine !== over) throw new Error("The spec is over: nothing waits any more.");
    await new Promise((resolve) => setTimeout(resolve, ms));
  };
}
