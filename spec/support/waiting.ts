let over = 0;

export const mochaHooks = {
  afterEach(): void {
    over += 1;
  },
};

/**
 * Returns a function that pauses a polling loop of the current spec. Once that spec is over, the function
 * rejects: the loop of a failed spec would otherwise run forever and keep mocha from ending.
 */
export function pauses(ms: number): () => Promise<void> {
  const mine = over;
  return async () => {
    if (mine !== over) throw new Error("The spec is over: nothing waits any more.");
    await new Promise((resolve) => setTimeout(resolve, ms));
  };
}
