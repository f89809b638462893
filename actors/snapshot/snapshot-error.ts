import { GreenroomError } from "../../layers/errors.ts";

/** An actor cannot be saved, or a snapshot cannot be restored. The message names the part that prevents it. */
export class SnapshotError extends GreenroomError {
  constructor(message: string) {
    super("ERR_SNAPSHOT", message);
  }
}
