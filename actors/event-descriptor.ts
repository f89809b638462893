/**
 * Whether a transition with the event descriptor `descriptor` is for `event`, in XState's notation: `*` is for each
 * event, and `frame.*` is for `frame` and for each event that begins with `frame.`.
 */
export function isFor(descriptor: string, event: string): boolean {
  if (descriptor === event || descriptor === "*") return true;
  return descriptor.endsWith(".*") && `${event}.`.startsWith(descriptor.slice(0, -1));
}
