/** A promise of the protocol that was broken. */
export class Violation extends Error {}
