export * from "./actors/visualise/index.ts";
export * from "./runtime/inspector/index.ts";
