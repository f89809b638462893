import { useConnection, useEvents } from "greenroom/client/react";
import { useCallback, useEffect, useState } from "react";
import { room as contract, type Line, type Member } from "../contract.ts";

/** A text can be in the reply of `last`, and arrive as `said`, too. */
function merge(known: readonly Line[], more: readonly Line[]): readonly Line[] {
  const byId = new Map([...known, ...more].map((line) => [line.id, line]));
  return [...byId.values()].sort((a, b) => a.at - b.at);
}

/** The state of a room, which the server and the client keep up to date, and `say`. */
export function useRoom(room: string, name: string, isTyping: boolean) {
  const { client, status } = useConnection(contract, { params: { room, name } });
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [members, setMembers] = useState<readonly Member[]>([]);
  const [failure, setFailure] = useState<string>();
  const add = useCallback((...more: Line[]) => setLines((known) => merge(known, more)), []);

  useEvents(client, "said", add);
  useEvents(client, "members", ({ members }) => setMembers(members));

  // Texts may be missing at the beginning, and after a gap, such as a restart of the server.
  useEffect(() => {
    if (!client) return;
    const load = () => void client.ask("last", {}).then(({ lines }) => add(...lines), console.error);
    load();
    return client.onGap(load);
  }, [client, add]);

  // A new session has a new actor, which does not know that the member types.
  useEffect(() => {
    if (!client) return;
    const tell = () =>
      void client.send("typing", { on: isTyping }, { repeatable: true }).catch(console.error);
    tell();
    return client.onGap(({ fresh }) => fresh && tell());
  }, [client, isTyping]);

  function say(text: string) {
    setFailure(undefined);
    client?.send("say", { text }).catch(() => setFailure(text));
  }
  return { status, lines, members, failure, say };
}
