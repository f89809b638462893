/** Settles like `work`, or rejects with the signal's reason once `signal` is aborted. Leaves no listener. */
export function untilAborted<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const settle = <V>(end: (value: V) => void) => {
      return (value: V) => {
        signal.removeEventListener("abort", abort);
        end(value);
      };
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
    work.then(settle(resolve), settle(reject));
  });
}
