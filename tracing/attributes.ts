import type { Attributes } from "@opentelemetry/api";
import type { Exit } from "../actors/close-codes.ts";
import type { SendOperation } from "../layers/tracing.ts";
import type { Observed } from "../runtime/inspection-hooks.ts";
import type { Router } from "../runtime/routes/router.ts";
import { truncate } from "../runtime/truncate.ts";

/** The type of a message, for the name of a span. Other programs may send types of any length. */
export const shortType = (type: unknown): string => truncate(String(type), 99);

export function actorAttributes({ Consumer, machine, scope }: Observed, router: Router): Attributes {
  const route = router.routeOf(scope.path);
  return {
    "greenroom.consumer": Consumer.name,
    "greenroom.actor": machine.sessionId,
    // Not the path: it may hold secrets.
    ...(route?.Consumer === Consumer && { "http.route": route.pattern }),
  };
}

export const sendAttributes = (
  operation: SendOperation | "ask" | "askGroup",
  destination: string,
  type: unknown,
): Attributes => ({
  "messaging.system": "greenroom",
  "messaging.operation.name": operation,
  "messaging.operation.type": "send",
  "messaging.destination.name": destination,
  "greenroom.message.type": shortType(type),
});

export const processAttributes = (
  operation: string,
  destination: string | undefined,
  type: string,
): Attributes => ({
  "messaging.system": "greenroom",
  "messaging.operation.name": operation,
  "messaging.operation.type": "process",
  ...(destination !== undefined && { "messaging.destination.name": destination }),
  "greenroom.message.type": shortType(type),
});

export const exitAttributes = ({ code, by, status }: Exit): Attributes => ({
  "greenroom.close.by": by,
  ...(status === undefined ? { "greenroom.close.code": code } : { "http.response.status_code": status }),
});
