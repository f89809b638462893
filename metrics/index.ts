/**
 * Metrics for Prometheus. They need the package `prom-client`.
 *
 * @module greenroom/metrics
 */
export { collectMetrics, type Metrics, MetricsError, type MetricsOptions } from "./collect-metrics.ts";
