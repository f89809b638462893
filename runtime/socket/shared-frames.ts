import { FrameTrie } from "./frame-trie.ts";

/** The frames that the outboxes of a runtime share until the next flush. */
export class SharedFrames {
  root = FrameTrie.root();

  /** Forgets the frames before a flush. An outbox with waiting frames keeps these frames. */
  renew(): void {
    this.root = FrameTrie.root();
  }
}
