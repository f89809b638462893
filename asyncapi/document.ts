/** A JSON Schema of draft 07, the dialect of AsyncAPI. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A reference to another part of the document. */
export interface Reference {
  readonly $ref: string;
}

/** A frame. */
export interface AsyncApiMessage {
  /** The type of the frame. */
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly correlationId?: Reference;
  /** The whole frame: the payload together with `type` and `id`. */
  readonly payload: JsonSchema;
}

/** A path parameter. AsyncAPI allows no schema here, so `x-schema` holds it. */
export interface AsyncApiParameter {
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly default?: string;
  readonly examples?: readonly string[];
  readonly "x-schema"?: JsonSchema;
}

/** A path, with all frames in both directions. */
export interface AsyncApiChannel {
  /** The path, such as `/ws/room/{room}`. */
  readonly address: string;
  readonly title: string;
  readonly parameters?: Readonly<Record<string, AsyncApiParameter>>;
  /** The keys are `client.<type>`, `server.<type>`, `reply.<type>` and `error`. */
  readonly messages: Readonly<Record<string, AsyncApiMessage | Reference>>;
  readonly bindings: { readonly ws: { readonly method: "GET"; readonly bindingVersion: string } };
  /** Only for a machine consumer: the types of the frames that it takes in each state. */
  readonly "x-states"?: Readonly<Record<string, readonly string[]>>;
}

/** A frame that the server receives or sends. */
export interface AsyncApiOperation {
  readonly action: "receive" | "send";
  readonly title: string;
  readonly channel: Reference;
  readonly messages: readonly Reference[];
  /** Only for a frame that asks: the reply, and the error. */
  readonly reply?: { readonly channel: Reference; readonly messages: readonly Reference[] };
}

/** The address of a server. */
export interface AsyncApiServer {
  /** The host, with its port unless it is the protocol's default port. */
  readonly host: string;
  readonly protocol: "ws" | "wss";
  /** The part of the path that a proxy adds before all addresses. */
  readonly pathname?: string;
  readonly description?: string;
}

/** A document of AsyncAPI 3.1 (https://www.asyncapi.com/docs/reference/specification/v3.1.0). */
export interface AsyncApiDocument {
  readonly asyncapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly servers?: Readonly<Record<string, AsyncApiServer>>;
  readonly defaultContentType: "application/json";
  readonly channels: Readonly<Record<string, AsyncApiChannel>>;
  readonly operations: Readonly<Record<string, AsyncApiOperation>>;
  readonly components: {
    readonly messages: Readonly<Record<string, AsyncApiMessage>>;
    readonly correlationIds: Readonly<
      Record<string, { readonly description: string; readonly location: string }>
    >;
    readonly schemas?: Readonly<Record<string, JsonSchema>>;
  };
}
