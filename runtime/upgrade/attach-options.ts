export interface AttachOptions {
  /**
   * For a path without a route, `"reject"` answers 404, and `"ignore"` leaves the upgrade to other listeners.
   * @default "reject" while the server has no other listener for upgrades, else "ignore"
   */
  readonly unmatched?: "reject" | "ignore";
}
