/** How ioredis names what a server has answered: by its name, since a user's own ioredis may be another copy. */
const replyError = "ReplyError";

/**
 * Whether a command failed by the server's own word. All else (a connection that broke, a deadline, a socket that takes
 * no more) says nothing of what the server would do.
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === replyError || isRefusal(error.cause);
}
