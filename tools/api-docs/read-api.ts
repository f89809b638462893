import {
  Application,
  Converter,
  Logger,
  LogLevel,
  type ParameterReflection,
  type ProjectReflection,
  type TypeDocOptions,
} from "typedoc";
import { findUndocumented } from "./find-undocumented.ts";

/** The public API, as the docstrings of the sources describe it. */
export interface Api {
  readonly project: ProjectReflection;
  /** The faults of the docstrings: missing ones, links that lead nowhere, and parameters that do not exist. */
  readonly problems: readonly string[];
  /** Writes the pages to the folder in the option `out`. */
  write(): Promise<void>;
}

/** Keeps the warnings and errors of typedoc. */
class Warnings extends Logger {
  readonly messages: string[] = [];

  override log(message: string, level: LogLevel): void {
    if (level >= LogLevel.Warn) this.messages.push(message);
  }
}

/**
 * Reads the sources of the entry points that `options` name.
 *
 * @throws {Error} if the sources do not compile.
 */
export async function readApi(options: TypeDocOptions): Promise<Api> {
  const warnings = new Warnings();
  const app = await Application.bootstrapWithPlugins({
    excludeInternal: true,
    excludePrivate: true,
    readme: "none",
    logLevel: "Warn",
    validation: { invalidLink: true, invalidPath: true, notExported: false, notDocumented: false },
    ...options,
  });
  app.logger = warnings;
  // A method that is made to be overridden does not use its parameters, so their names begin with `_`.
  app.converter.on(Converter.EVENT_CREATE_PARAMETER, (_context: unknown, parameter: ParameterReflection) => {
    parameter.name = parameter.name.replace(/^_/, "");
  });
  const project = await app.convert();
  if (project === undefined) throw new Error(`The sources do not compile:\n${warnings.messages.join("\n")}`);
  app.validate(project);
  return {
    project,
    problems: [...findUndocumented(project), ...warnings.messages],
    write: () => app.generateOutputs(project),
  };
}
