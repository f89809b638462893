import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from "@nestjs/common";
import { HttpAdapterHost } from "@nestjs/core";
import type { CloseOptions, Layers, Runtime } from "greenroom";

/** The token of the runtime, for `@Inject(RUNTIME)`. */
export const RUNTIME = Symbol("runtime");

/** How to create the runtime and its routes, from what the container injects. */
type Options = Pick<ModuleMetadata, "imports"> &
  Pick<FactoryProvider<Runtime<Layers, unknown>>, "inject" | "useFactory"> & {
    readonly close?: CloseOptions;
  };

const CLOSE = Symbol("close");

/** A runtime on the HTTP server of the application. It closes before that server does. */
@Module({})
export class GreenroomModule implements OnApplicationBootstrap, OnModuleDestroy {
  @Inject(RUNTIME) readonly runtime!: Runtime;
  @Inject(CLOSE) readonly close!: CloseOptions;
  @Inject(HttpAdapterHost) readonly host!: HttpAdapterHost;

  static forRoot({ imports = [], close = {}, ...factory }: Options): DynamicModule {
    return {
      module: GreenroomModule,
      global: true,
      imports,
      providers: [
        { provide: RUNTIME, ...factory },
        { provide: CLOSE, useValue: close },
      ],
      exports: [RUNTIME],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.runtime.ready();
    this.runtime.attach(this.host.httpAdapter.getHttpServer());
  }

  async onModuleDestroy(): Promise<void> {
    await this.runtime.close(this.close);
  }
}
