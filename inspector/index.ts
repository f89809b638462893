export { InspectorError, type InspectorOptions, inspector } from "./inspector.ts";
export { ownMachineGuard } from "./localhost-guard.ts";
