import { ReleaseError } from "./release-error.ts";

/** The heading of the changes that are not released yet, with or without a version. */
const unreleased = /^## .*unreleased.*$/im;

/**
 * The changes that are not released yet, without their heading.
 *
 * @throws {ReleaseError} if the section is missing, or has no entry.
 */
export function unreleasedChanges(changelog: string): string {
  const heading = unreleased.exec(changelog);
  if (heading === null) throw new ReleaseError("CHANGELOG.md has no section Unreleased.");
  const rest = changelog.slice(heading.index + heading[0].length);
  const [section = ""] = rest.split(/^## /m, 1);
  if (!/^\s*- \S/m.test(section)) throw new ReleaseError("The section Unreleased of CHANGELOG.md is empty.");
  return section.trim();
}

/**
 * Turns the unreleased changes into those of a version, below a new section for later changes.
 *
 * @param day the date of the release, as `2026-01-31`
 * @throws {ReleaseError} if there are no unreleased changes.
 */
export function withRelease(changelog: string, version: string, day: string): string {
  unreleasedChanges(changelog);
  return changelog.replace(unreleased, () => `## Unreleased\n\n## ${version} - ${day}`);
}
