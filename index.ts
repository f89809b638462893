/**
 * The server: actors, layers, named actors and the runtime.
 *
 * @module greenroom
 */
export * from "./actors/index.ts";
export * from "./layers/index.ts";
export * from "./named/index.ts";
export * from "./runtime/index.ts";
