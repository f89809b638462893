/** The rules of the protocol, each in a sentence. The model obeys a rule unless it is told to break it. */
export const ruleTexts = {
  // Words and counts
  onlyApplicationFramesCount: "control frames have no number",
  textsAreEscaped: "an application text that begins with the mark gets one more mark",
  unknownControlIsIgnored: "a control frame with an unknown name is ignored",
  malformedControlEnds: "a malformed control frame ends the session with 1002",
  impossibleCountsEnd: "a count that cannot be ends the session with 1002",

  // Handshake
  helloComesFirst: "hello is the first frame of a session",
  sessionNameIsConstant: "the name of a session is the same after each resume",
  resumeStartsNoActor: "a resume starts no actor",
  countsAreClearedOnHello: "both counts are 0 after hello",
  userMustBeSame: "only the user of a session resumes it",

  // Commands
  ackMeansHandled: "an ack covers a frame only after its handler has settled",
  refusedFrameIsDone: "a frame that validation refuses is done",
  thrownHandlerIsDone: "a frame whose handler threw is done",
  sendsBeforeAck: "the sends of a handler come before the ack of its frame",
  windowBelowMark: "fewer frames wait for an ack than make the server stop reading",
  tooLargeIsRefusedUnnumbered: "the client refuses a frame above maxPayload before it is numbered",

  // Sockets
  otherEndsAreAway: "the end of a socket without a bye or a violation leaves the session away",
  givenUpSocketIsIgnored: "nothing counts from a socket that the client has given up",
  oldSocketIsFenced: "nothing counts from a socket after the server has attached another",
  attemptRises: "each resume of the client has a higher try than the one before",
  tryMustRise: "the server refuses a resume whose try is not higher",
  staleResumeClosesItselfOnly: "a stale resume changes nothing but its own socket",

  // Resume
  resendOnlyAboveReceived: "after a resume the client sends only what the server has not received",
  resendComesFirst: "after a resume the client sends again before it sends what is new",
  dropNothingButDone: "after a resume the client drops only what is done",
  resumedSettlesDone: "resumed settles the frames that are done",
  replayOnlyAboveGot: "the server replays only what the client has not received",
  gotFollowsFrom: "the client's count continues at resumed.from",
  missedBeforeFromIsAnnounced: "frames before resumed.from are announced as a gap",
  unwrittenIsSkipped: "a frame that cannot be written is told as a skip",
  skipsAreTold: "a hole in what is replayed is told as a skip",
  skipIsCounted: "the client counts the frames of a skip",
  skipIsAnnounced: "the client announces the frames of a skip as a gap",
  gapsAreKept: "a gap of a group is told again after a resume until a later frame has arrived",

  // Recovery of a group with history, after a session was lost
  groupsWaitForSince: "relays, joined and ticket wait for the since of a client that comes with a ticket",
  sinceIsRepeated: "since is sent again after a resume until a ticket has arrived",
  joinedSetsMark: "the mark of a group starts at joined.at",
  marksFollowRelays: "the mark of a group is the position of its last relay",
  floorIsCompared: "a mark below the floor of the ticket gets no history",
  epochIsCompared: "a ticket or a mark of another epoch gets no history",
  ticketBelongsToUser: "the ticket of another user gets no history",
  lostHistoryIsAGap: "a group without its history is announced as a gap",

  // Bounds
  logIsBoundedOnline: "online, the log loses its oldest frame above its bound",
  logIsBoundedAway: "away, a log above its bound ends the session",
  awaySessionExpires: "a session that is away ends after resumeMs",
  endedSessionIsForgotten: "an ended session is forgotten after resumeMs",

  // Ends
  lastWordsAreKept: "a session closed by its consumer keeps its log and its bye for a resume",
  ackPrecedesBye: "what is done has an ack before a final bye",
  runningHandlerIsTaken: "a frame whose handler runs when the consumer closes is acknowledged before the bye",
  finalByeRejectsWhatWaits: "a final bye rejects the sends that wait",
  byeBeforeResumedIsUncertain: "a final bye in place of resumed says nothing about frames on a wire",
  byeWithAfterKeepsSession: "the server keeps a session after a bye with `after`",
  byeWithAfterIsNotFinal: "the client comes back after a bye with `after`",
  byeEndsSession: "the bye of a client ends its session",
  closeSendsQueueFirst: "close() sends what is queued before its bye",
  goneRejectsWhatWasOnWire: "gone rejects sends that were on a wire and are not repeatable",
  earlierWireIsRemembered: "a repeated send that is rejected later may have been taken",
  neverSentStays: "sends that were never on a wire outlive gone",
  goneSettlesDone: "gone settles the frames that an ended session knows to be done",
  goneIsAnnounced: "gone is announced as a gap with `fresh`",
} as const;

export type Rule = keyof typeof ruleTexts;
export type Rules = Readonly<Record<Rule, boolean>>;

export const ruleNames = Object.keys(ruleTexts) as Rule[];

/** All rules are obeyed. */
export const allRules = Object.fromEntries(ruleNames.map((rule) => [rule, true])) as Rules;

/** All rules but one are obeyed. */
export const allRulesBut = (broken: Rule): Rules => ({ ...allRules, [broken]: false });
