/** A system that handles messages to keys. The messages of one key are handled one after the other. */
export interface System {
  /** Sends a message to a key. Resolves when the message is handled; `settle` tells of the exceptions. */
  pass(key: string): Promise<void>;
  /** Resolves when all passed messages are handled. Undefined if they are handled when `pass` resolves. */
  settle?(key: string): Promise<void>;
  /** The number of messages that the keys have handled, as far as the system has stored it. */
  handled(keys: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

/** The name of the key with this number. */
export const keyName = (number: number): string => `key-${number}`;
