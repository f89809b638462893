/**
 * A page that shows the actors of a running server.
 *
 * @module greenroom/inspector
 */
export { InspectorError, type InspectorOptions, inspector } from "./inspector.ts";
