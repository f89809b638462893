export * from "./actors/visualise/index.ts";
