import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { Clock } from "../layers/clock.ts";
import type { ErrorListener } from "../layers/error-reporter.ts";
import type { Guard } from "./guards/guards.ts";
import type { TrustProxy } from "./limits/client-address.ts";
import type { Limits } from "./limits/limits.ts";
import type { CompressionOptions } from "./upgrade/compression.ts";
import type { Inspect } from "./xstate-inspect.ts";

/** Layers by alias, each with its own message types. */
export type Layers = Record<string, AnyLayer>;

/** A layer of any messages. Of classes, the compiler would compare only `M`; of these members, it compares each. */
type AnyLayer = Pick<ChannelLayer<never>, keyof ChannelLayer<never>>;

/**
 * Options of {@link createRuntime}. `L` are the layers, `U` is the user that the guards find, and `S` are the services.
 */
export interface RuntimeOptions<L extends Layers, U = never, S extends object = object>
  extends Partial<Limits> {
  /**
   * Layers by the alias that consumers use. A closing runtime closes its layers, too, so a layer cannot belong
   * to two runtimes. One layer may have several aliases.
   * @default {}
   */
  readonly layers?: L;
  /**
   * The alias of the layer that connects the application's runtimes: the calls that concern all nodes use it.
   * Needed only if there are several layers. Without it, the calls that concern all nodes throw
   * `NoControlLayerError`.
   * @default the only layer, if there is exactly one
   */
  readonly control?: keyof L & string;
  /**
   * Services of the application that consumers need, such as a database: see {@link Consumer.services}. The runtime
   * does not close them.
   * @default {}
   */
  readonly services?: S;
  /** Guards of all routes, called in order. @default [originGuard()] */
  readonly guards?: readonly Guard<U>[];
  /** Receives errors that no caller receives. @default `process.emitWarning`, at most once in 5 seconds */
  readonly onError?: ErrorListener;
  /**
   * Receives every event of XState's inspection protocol, in order, for tools such as `@statelyai/inspect`.
   * The supervisor and the connections form one tree. The machine of a machine consumer is a tree of its own.
   *
   * `inspect` is called synchronously, and makes a connection's transitions about three times as expensive.
   * Errors that `inspect` throws go to `onError` with the stage `inspect`, and affect no actor.
   */
  readonly inspect?: Inspect;
  /**
   * Whether to check the frames and replies of consumers with a contract before they are sent. A deviation is
   * reported to `onError`, at most once a minute for each consumer and type, and the frame is sent nevertheless.
   * @default whether the environment variable `NODE_ENV` is not `production`
   */
  readonly validateOutgoing?: boolean;
  /** Compression for clients that offer it. `maxPayload` limits decompressed frames. @default false */
  readonly compression?: boolean | CompressionOptions;
  /**
   * Timers for deadlines, replaceable in tests. Only the default takes delays of any length: in a clock of your
   * own, the timers of Node end a delay of more than 24.8 days at once.
   * @default the timers of Node
   */
  readonly clock?: Clock;
  /**
   * The reverse proxies in front of the server, as the setting `trust proxy` of Express takes them: addresses, subnets,
   * `loopback`, `linklocal` and `uniquelocal`, the number of proxies in a row, or a function. The address of a client,
   * its protocol and its host then come from the headers `X-Forwarded-For`, `X-Forwarded-Proto` and
   * `X-Forwarded-Host` of requests that such a proxy has sent. `true` trusts every sender, so clients may lie.
   * @default false
   */
  readonly trustProxy?: TrustProxy;
  /**
   * Whether an uncaught error in a timer or promise of a consumer counts as a failure of its actor, and does
   * not end the process. Such an error of another callback, such as a guard, is only reported to `onError`. If
   * `true`, the runtime listens to the process's `uncaughtException` and `unhandledRejection` until the runtime
   * is closed. Errors that belong to no callback of the runtime keep their usual effect. If `false`, the
   * runtime and its layers do not listen.
   * @default true
   */
  readonly ownAsyncErrors?: boolean;
}

/** Options of `runtime.close`. */
export interface CloseOptions {
  /** Milliseconds from the call of `close` until the remaining connections are cut. @default 10_000 */
  readonly drainMs?: number;
}
