/** A function of the application has returned a wrong value. `ready()` of a layer rejects with this error. */
export class CallbackResultError extends TypeError {}

/** A function of the application has failed, so that an attempt to connect fails on every server. */
export class CallbackFailedError extends Error {}
