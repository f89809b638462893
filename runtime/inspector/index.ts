export { InspectorError, type InspectorOptions, inspector } from "./inspector.ts";
export { ownMachineGuard } from "./own-machine-guard.ts";
