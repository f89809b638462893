import { hotReload } from "./hot-reload.ts";

// The renderer looks for the hook of hot reloads when its module runs, which is after the import above.

import { type Client, connect } from "greenroom/client";
import { useConnection, useEvents } from "greenroom/client/react";
import { Component, createElement, type FunctionComponent, type ReactNode, StrictMode } from "react";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { talk } from "./contract.ts";

interface RoomProps {
  readonly room?: string;
  readonly token?: string;
  /** Each frame is recorded with the prefix of the latest render. */
  readonly prefix?: string;
}

const heard: string[] = [];
/** Each status that was rendered. */
const rendered: string[] = [];
/** The texts that the server has handled. */
const outcomes: string[] = [];
const errors: string[] = [];
const clients = new Set<Client<typeof talk>>();

function Listener({ client, prefix }: { readonly client: Client<typeof talk> | undefined; prefix: string }) {
  useEvents(client, "said", ({ text }) => heard.push(`${prefix}${text}`));
  return null;
}

function Room({ room = "tea", token = "", prefix = "" }: RoomProps) {
  const { client, status } = useConnection(talk, { params: { room }, token: () => token });
  if (client) clients.add(client);
  if (rendered.at(-1) !== status.state) rendered.push(status.state);
  return createElement("p", null, status.state, createElement(Listener, { client, prefix }));
}

/** The code of {@link Room} after a change in an editor. */
function EditedRoom(props: RoomProps) {
  const { client, status } = useConnection(talk, { params: { room: props.room ?? "tea" } });
  if (client) clients.add(client);
  return createElement(
    "p",
    null,
    "edited ",
    status.state,
    createElement(Listener, { client, prefix: "edited " }),
  );
}

function WithoutRoom() {
  useConnection(talk, { params: {} as { room: string } });
  return null;
}

class Boundary extends Component<{ readonly children: ReactNode }> {
  override state = { hasFailed: false };
  static getDerivedStateFromError = () => ({ hasFailed: true });
  override componentDidCatch(error: unknown) {
    errors.push(String(error));
  }
  override render() {
    return this.state.hasFailed ? null : this.props.children;
  }
}

hotReload.register(Room, "Room");
const element = document.querySelector("#root") as Element;
let root: Root | undefined;
const strict = (component: FunctionComponent<RoomProps>, props: RoomProps = {}) =>
  createElement(StrictMode, null, createElement(Boundary, null, createElement(component, props)));

const app = {
  heard,
  rendered,
  outcomes,
  errors,
  clients,
  render(props?: RoomProps) {
    root ??= createRoot(element);
    root.render(strict(Room, props));
  },
  renderWithoutRoom() {
    createRoot(element).render(strict(WithoutRoom));
  },
  hydrate() {
    element.innerHTML = renderToString(strict(Room));
    const text = element.textContent;
    root = hydrateRoot(element, strict(Room), { onRecoverableError: (error) => errors.push(String(error)) });
    return text;
  },
  reload() {
    hotReload.register(EditedRoom, "Room");
    hotReload.perform();
  },
  unmount() {
    root?.unmount();
  },
  async say(text: string) {
    await [...clients].at(-1)?.send("say", { text });
  },
  sayAndUnmount(text: string) {
    void app.say(text).then(() => outcomes.push(text));
    root?.unmount();
  },
  /** Resolves once the server has taken a socket that is opened now. */
  async mark() {
    const client = connect(talk, { params: { room: "marker" } });
    await client.send("say", { text: "" });
    await client.close();
  },
};
Object.assign(globalThis, { app });
export type App = typeof app;
