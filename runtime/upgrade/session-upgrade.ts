import { sessionProtocol } from "../../protocol/subprotocols.ts";
import { type SocketSettings, socketDefaults } from "../consumer-settings.ts";
import type { Deadline } from "../deadline.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { ResumeRequest } from "../session/resume-request.ts";
import { Session } from "../session/session.ts";
import { SessionSocket } from "../session/session-socket.ts";
import { userKeyOf } from "../sign-in/user-key.ts";
import type { Handshake } from "../socket/handshake.ts";
import { SocketTransport } from "../socket/socket-transport.ts";
import type { Candidate } from "./admission.ts";
import type { OfferedProtocols } from "./offered-protocols.ts";

type SocketContext = Pick<RuntimeContext, "limits"> & ConstructorParameters<typeof SocketTransport>[3];

/** The socket of a client that speaks the protocol of sessions. */
export function sessionSocket(
  handshake: Handshake,
  context: SocketContext,
  settings: SocketSettings = socketDefaults(context.limits, context.counters.of("")),
  keepsFrames = false,
): SessionSocket {
  const transport = new SocketTransport(handshake, [sessionProtocol], settings, context);
  return new SessionSocket(transport, keepsFrames);
}

/** Creates the transport for the actor of a new session. */
export function openSession(
  context: RuntimeContext,
  candidate: Candidate,
  handshake: Handshake,
  { isSinceDue }: OfferedProtocols,
): Session {
  const settings = context.settings.of(candidate.route.Consumer);
  const openSocket = (keepsFrames: boolean) => sessionSocket(handshake, context, settings, keepsFrames);
  return createSession(context, candidate, openSocket, isSinceDue);
}

/** @param openSocket creates the first socket. `keepsFrames` is false if the consumer refuses sessions. */
export function createSession(
  context: RuntimeContext,
  candidate: Candidate,
  openSocket: (keepsFrames: boolean) => SessionSocket,
  isSinceDue = false,
): Session {
  const { route, scope } = candidate;
  const { outbox, session } = context.settings.of(route.Consumer);
  const userKey = userKeyOf(scope.user, candidate.userKey);
  // Without a key, no user could prove to be the same, so the client gets no session.
  const settings = userKey === undefined ? undefined : session;
  const socket = openSocket(settings !== undefined);
  return new Session(context.sessions, socket, context.limits, {
    id: settings === undefined ? "" : context.sessions.newId(),
    path: scope.path,
    userKey: userKey ?? "",
    offered: scope.subprotocols,
    isSinceDue,
    settings,
    maxLagBytes: outbox.maxLagBytes,
  });
}

/** Answers the upgrade of a client that comes back. Its first frame names the session. */
export function resumeSession(
  context: RuntimeContext,
  candidate: Candidate,
  handshake: Handshake,
  settings: SocketSettings,
  deadline: Deadline,
): void {
  expectResume(context, candidate, sessionSocket(handshake, context, settings, true), deadline);
}

/** Accepts a socket of a client that comes back, and waits for its first frame. */
export function expectResume(
  context: Pick<RuntimeContext, "scheduler" | "sessions">,
  { scope, userKey, grants }: Candidate,
  socket: SessionSocket,
  deadline: Deadline,
): void {
  const client = { scope, userKey: userKeyOf(scope.user, userKey), grants };
  new ResumeRequest(context.sessions, client, socket, deadline, context.scheduler.upgrades);
  socket.transport.accept({ subprotocol: sessionProtocol });
}
