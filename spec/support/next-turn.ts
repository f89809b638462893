/** Resolves after the check phase of this turn of the event loop. */
export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
