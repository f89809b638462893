/** A reason against a release, for the person that makes it. */
export class ReleaseError extends Error {
  override readonly name = "ReleaseError";
}
