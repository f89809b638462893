// Users that guards find, and consumers that need them. Each line below a `@ts-expect-error` must be refused.
import {
  contractConsumer,
  createRuntime,
  type Guard,
  type Layers,
  MemoryLayer,
  originGuard,
  type Runtime,
  WebSocketConsumer,
} from "greenroom";
import { contract } from "greenroom/contract";
import { inspector } from "greenroom/inspector";
import { communicate, communicateWith } from "greenroom/testing";
import { z } from "zod";

interface User {
  readonly id: string;
}
interface Admin extends User {
  readonly rights: readonly string[];
}
declare const findUser: () => Promise<User | undefined>;

const authenticate: Guard<User> = async () => {
  const user = await findUser();
  return user ? { user } : { status: 401, reason: "Sign in first" };
};
const authenticateAdmin: Guard<Admin> = () => ({ user: { id: "root", rights: [] } });
const authenticateByNumber: Guard<number> = () => ({ user: 7 });
const countVisits: Guard = () => undefined;
// @ts-expect-error a guard without a type argument finds no user
const untyped: Guard = () => ({ user: { id: "ada" } });
// @ts-expect-error the user has no id
const incomplete: Guard<User> = () => ({ user: {} });
void [untyped, incomplete];

const chat = contract({ path: "/chat/:room", client: { say: z.string() }, server: {} });
class Chat extends contractConsumer(chat)<{ user: User }> {
  static override readonly frames = { say: (text: string) => text.trim() };
  readonly name: string = this.scope.user.id;
}
class Classic extends WebSocketConsumer<{ user: User }> {
  readonly name: string = this.scope.user.id;
}
class Guest extends WebSocketConsumer<{ user: User | undefined }> {
  readonly name: string | undefined = this.scope.user?.id;
}
class Anyone extends WebSocketConsumer {
  // @ts-expect-error the user is unknown
  readonly name: string = this.scope.user.id;
}

// The guards of the runtime find the user.
const signedIn = createRuntime({
  layers: { chat: new MemoryLayer() },
  guards: [originGuard(), authenticate, countVisits],
});
signedIn.route(Chat);
signedIn.route("/classic", Classic);
signedIn.route("/guest", Guest);
signedIn.route("/anyone", Anyone);
createRuntime({ guards: [authenticateAdmin] }).route(Chat);
createRuntime({
  guards: [
    originGuard(),
    async () => ((await findUser()) ? { user: { id: "ada" } } : { status: 401, reason: "" }),
  ],
}).route(Chat);

// A guard of the route finds the user.
const open = createRuntime({ layers: { chat: new MemoryLayer() } });
open.route(Chat, { guards: [authenticate] });
open.route(Chat, { guards: [countVisits, authenticateAdmin], replace: true });
open.route("/classic", Classic, { guards: [originGuard(), authenticate] });
open.route("/guest", Guest);
open.route("/anyone", Anyone, { guards: [authenticateByNumber] });
createRuntime({ guards: [authenticateByNumber] }).route(Chat, { guards: [authenticate] });
createRuntime({ guards: [authenticate] }).route(Chat, { guards: [countVisits] });

// @ts-expect-error no guard finds a user
open.route(Chat);
// @ts-expect-error no guard finds a user
open.route("/classic", Classic);
// @ts-expect-error no guard finds a user, because this one has no type argument
open.route(Chat, { guards: [countVisits] });
// @ts-expect-error a guard finds another user
open.route(Chat, { guards: [authenticateByNumber] });
// @ts-expect-error a guard of the route finds another user than that of the runtime
signedIn.route(Chat, { guards: [authenticateByNumber] });
// @ts-expect-error a guard of the runtime finds another user
createRuntime({ guards: [authenticateByNumber] }).route(Chat);
// @ts-expect-error a guest is a User if there is one
open.route("/guest", Guest, { guards: [authenticateByNumber] });

// @ts-expect-error the guards find different users
createRuntime({ guards: [authenticateByNumber, authenticate] });
createRuntime({ guards: [authenticate, authenticateAdmin] }).route(Chat);

class Unasked extends contractConsumer(chat)<{ messages: object }> {
  static override readonly frames = { say: (text: string) => text.trim() };
}
open.route(Unasked);
signedIn.route(Unasked);
createRuntime({ guards: [authenticateByNumber] }).route(Unasked);

// Actors without a request.
const user: User = { id: "ada" };
await signedIn.spawn(Chat, { user, params: { room: "general" } });
await open.spawn(Classic, { user });
await open.spawn(Guest);
await open.spawn(Guest, { user });
await open.spawn(Anyone);
await open.spawn(Anyone, { user: 7 });
// @ts-expect-error it needs a user
await signedIn.spawn(Chat, { params: { room: "general" } });
// @ts-expect-error it needs parameters
await signedIn.spawn(Chat, { user });
// @ts-expect-error the contract has no such parameter
await signedIn.spawn(Chat, { user, params: { lot: "7" } });
// @ts-expect-error it needs another user
await open.spawn(Classic, { user: 7 });
// @ts-expect-error it needs a user
await open.spawn(Classic);

// Clients in specs.
communicate(Chat, { user, params: { room: "general" } });
communicate(Chat, { user, params: { room: "general" }, guards: [countVisits] });
communicate(Chat, { guards: [originGuard(), authenticate], params: { room: "general" } });
communicate(Classic, { guards: [authenticate], runtime: open });
communicate(Classic, { user, runtime: signedIn });
communicate(Guest);
communicate(Anyone, { guards: [authenticateByNumber], headers: { cookie: "a=1" } });
communicateWith(signedIn, "/classic");
// @ts-expect-error it needs a user
communicate(Chat, { params: { room: "general" } });
// @ts-expect-error it needs a user
communicate(Classic);
// @ts-expect-error no guard finds a user
communicate(Classic, { guards: [countVisits] });
// @ts-expect-error the guard finds another user
communicate(Classic, { guards: [authenticateByNumber] });
// @ts-expect-error it needs parameters
communicate(Chat, { guards: [authenticate] });
// @ts-expect-error it needs another user
communicate(Classic, { user: 7 });

// A runtime whose guards find a user is a runtime.
const serve = (runtime: Runtime<Layers>) => runtime.size;
const serveAny = (runtime: Runtime) => runtime.close();
serve(signedIn);
serve(open);
serveAny(signedIn);
inspector(signedIn, { path: "/inspect", guards: [authenticate] });
