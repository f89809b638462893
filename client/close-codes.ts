/** The close code of a socket that the client gives up, and that of a session that it ends. */
export const givenUp = 3990;
export const normal = 1000;
/** The close code in the status after a frame that breaks the protocol. Browsers cannot send it. */
export const protocolError = 1002;
