/** The error with which a promise rejects. Undefined if it resolves. */
export const rejectionOf = (promise: Promise<unknown>): Promise<Error | undefined> =>
  promise.then(
    () => undefined,
    (error: Error) => error,
  );
