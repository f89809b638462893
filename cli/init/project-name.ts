import { basename, resolve } from "node:path";
import { Failure } from "../failure.ts";

/** The names that npm accepts, without scopes. The name is also the prefix of keys on Redis. */
const valid = /^[a-z0-9][a-z0-9._-]{0,99}$/;

/**
 * The name of the project: `given`, or else the name of the folder, in letters that npm accepts.
 *
 * @param taken the packages that the project depends on: npm does not install a package into one of the same name
 * @throws {Failure} if the name is not valid.
 */
export function projectName(folder: string, given: string | undefined, taken: readonly string[]): string {
  const name = given ?? fromFolder(folder);
  if (taken.includes(name))
    throw new Failure(`The project needs the package "${name}", so it has another name: pass --name.`, 2);
  if (valid.test(name)) return name;
  throw new Failure(
    given === undefined
      ? `The name of the folder ${resolve(folder)} cannot be the name of a project: pass --name.`
      : `"${given}" cannot be the name of a project: use 1 to 100 of a-z, 0-9, ".", "_" and "-", and begin with a letter or a digit.`,
    2,
  );
}

function fromFolder(folder: string): string {
  return basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "");
}
