/**
 * An entry point without a fault.
 *
 * @module documented
 */

/** A value. */
export const value = 1;
