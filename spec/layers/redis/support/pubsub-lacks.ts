/** What pub/sub does not have, wherever its servers are. */
export const pubSubLacks = {
  recovery: "pub/sub keeps nothing that it could deliver later",
  history: "pub/sub keeps nothing",
  queues: "pub/sub keeps nothing",
};
