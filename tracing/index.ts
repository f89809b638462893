/**
 * Traces for OpenTelemetry. They need the package `@opentelemetry/api`.
 *
 * @module greenroom/tracing
 */
export { type Tracing, type TracingOptions, traceRuntime } from "./trace-runtime.ts";
