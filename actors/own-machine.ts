/** Marks a machine consumer's class. The key is a symbol, because any class may have a static `machine`. */
export const ownMachine = Symbol("ownMachine");
