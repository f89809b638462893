import semver, { type ReleaseType } from "semver";
import { ReleaseError } from "./release-error.ts";

const steps: readonly ReleaseType[] = ["patch", "minor", "major"];

/**
 * The version to release: the next patch, minor or major version, or the given one. It may be the present
 * version, because the first release has the version that the package began with.
 *
 * @throws {ReleaseError} if `wanted` is not a version, or is older than the present one.
 */
export function nextVersion(present: string, wanted: string): string {
  const step = steps.find((name) => name === wanted);
  const version = step === undefined ? semver.valid(wanted) : semver.inc(present, step);
  if (version === null || (step === undefined && version !== wanted)) {
    throw new ReleaseError(`"${wanted}" is not patch, minor, major or a version such as 1.2.3.`);
  }
  if (semver.lt(version, present)) throw new ReleaseError(`${version} is older than the present ${present}.`);
  return version;
}

/** The tag of npm that installs a version by default, or keeps a prerelease from being the default. */
export function distTag(version: string): "latest" | "next" {
  return semver.prerelease(version) === null ? "latest" : "next";
}
