/**
 * Test clients for actors, and the conformance suite for layers of your own.
 *
 * @module greenroom/testing
 */
export * from "./layers/testing/index.ts";
export * from "./runtime/testing/index.ts";
