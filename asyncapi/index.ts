/**
 * AsyncAPI documents of contracts.
 *
 * @module greenroom/asyncapi
 */
export { type AsyncApiOptions, type AsyncApiSource, asyncApi } from "./async-api.ts";
export { AsyncApiError } from "./async-api-error.ts";
export type {
  AsyncApiChannel,
  AsyncApiDocument,
  AsyncApiMessage,
  AsyncApiOperation,
  AsyncApiParameter,
  AsyncApiServer,
  JsonSchema,
  Reference,
} from "./document.ts";
export { type AsyncApiPageOptions, serveAsyncApi } from "./serve-async-api.ts";
