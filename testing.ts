export * from "./layers/testing/index.ts";
export * from "./runtime/testing/index.ts";
