export * from "./actors/index.ts";
export * from "./layers/index.ts";
export * from "./runtime/index.ts";
