export { InspectorError, type InspectorOptions, inspector } from "./inspector.ts";
