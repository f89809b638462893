/**
 * The plugin for the development server of Vite: hot reload of consumers.
 *
 * @module greenroom/vite
 */
import type { Plugin, ViteDevServer } from "vite";

/** The methods of a `Runtime` that the plugin calls. */
export interface ReloadedRuntime {
  /** See `runtime.attach`. */
  attach(server: NonNullable<ViteDevServer["httpServer"]>): void;
  /** See `runtime.replaceRoutes`. */
  replaceRoutes(define: () => void, options: { readonly reconnect: boolean }): void;
  /** See `runtime.close`. */
  close(): Promise<void>;
}

/** Options of {@link greenroom}. */
export interface GreenroomOptions {
  /** The runtime, which outlives the modules of the consumers. The plugin closes it with the server. */
  readonly runtime: ReloadedRuntime;
  /** The module that exports the function `routes`, as a path below the root of Vite: `"/server/routes.ts"`. */
  readonly routes: string;
  /**
   * Whether clients reconnect when their consumer changes. If not, existing connections keep the old consumer.
   * @default true
   */
  readonly reconnect?: boolean;
}

/**
 * Serves the consumers of a runtime beside the pages of Vite's development server. When a module of a consumer
 * changes, its routes change, without a restart. If a module cannot be loaded, the earlier routes stay, and Vite's
 * logger gets the error. In middleware mode, attach the runtime to your HTTP server.
 *
 * The plugin does nothing in a build. Your server program calls `routes(runtime)` in production.
 *
 * @example
 * ```ts
 * // vite.config.ts
 * export default defineConfig({ plugins: [greenroom({ runtime: createRuntime(), routes: "/server/routes.ts" })] });
 * ```
 * @example
 * ```ts
 * // server/routes.ts
 * export function routes(runtime: Runtime) {
 *   runtime.route("/ws/room/:room_name", RoomChat);
 * }
 * ```
 */
export function greenroom({ runtime, routes: path, reconnect = true }: GreenroomOptions): Plugin {
  let loading = Promise.resolve();

  async function load(server: ViteDevServer): Promise<void> {
    const { logger } = server.config;
    try {
      const { routes } = await server.ssrLoadModule(path);
      if (typeof routes !== "function") throw new Error(`${path} must export a function "routes".`);
      runtime.replaceRoutes(routes as () => void, { reconnect });
      logger.info(`greenroom: the routes are those of ${path}`, { timestamp: true });
    } catch (error) {
      if (error instanceof Error) server.ssrFixStacktrace(error);
      logger.error(`greenroom: cannot load ${path}\n${error instanceof Error ? error.stack : error}`, {
        timestamp: true,
      });
    }
  }

  /** Loads the routes after earlier loads have ended. */
  function reload(server: ViteDevServer): Promise<void> {
    loading = loading.then(() => load(server));
    return loading;
  }

  return {
    name: "greenroom",
    apply: "serve",
    // Consumers and this runtime need the same copy of the package, also if it is linked.
    config: () => ({ ssr: { external: ["greenroom"] } }),
    configureServer(server) {
      if (server.httpServer) runtime.attach(server.httpServer);
      return reload(server);
    },
    async hotUpdate({ modules, server }) {
      if (this.environment.name === "ssr" && modules.length > 0) await reload(server);
    },
    closeBundle: () => runtime.close(),
  };
}
