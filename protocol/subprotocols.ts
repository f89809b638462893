/** Offered by a client that speaks the protocol of sessions. The server always chooses it. */
export const sessionProtocol = "greenroom.v1";
/** Offered in addition by a client that comes back to a session. */
export const resumeProtocol = "greenroom.resume";
/** Offered in addition by a client that has lost its session, and whose first frame is `since`. */
export const sinceProtocol = "greenroom.since";
/** Offered in addition by a client with a token for the guards: the prefix, and the token as base64url. */
export const tokenPrefix = "greenroom.token.";
/** The maximum length of an encoded token, in characters. */
export const maxTokenLength = 4_096;
