import { FrameTrie } from "./frame-trie.ts";

/** The frames that the outboxes of a runtime share until the next flush. */
export class SharedFrames {
  root = FrameTrie.root();

  /** Called before a flush. Forgets the shared frames, but an outbox keeps its own waiting frames. */
  renew(): void {
    this.root = FrameTrie.root();
  }
}
