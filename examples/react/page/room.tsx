import { useState } from "react";
import type { Member } from "../contract.ts";
import { useRoom } from "./use-room.ts";

const labels = {
  connecting: "Connecting",
  joined: "Connected",
  away: "Reconnecting",
  closing: "Closing",
  closed: "Closed",
};

export function Room({ room, name }: { readonly room: string; readonly name: string }) {
  const [draft, setDraft] = useState("");
  const { status, lines, members, failure, say } = useRoom(room, name, draft !== "");

  return (
    <>
      <header>
        <h1>Room of {room}</h1>
        <p role="status" data-state={status.state}>
          {labels[status.state]}
        </p>
      </header>
      <Members members={members} />
      <ol aria-label="Texts" aria-live="polite">
        {lines.map(({ id, name, text }) => (
          <li key={id}>
            <b>{name}</b> {text}
          </li>
        ))}
      </ol>
      {failure && <p role="alert">This text may not have arrived: {failure}</p>}
      <form
        action={() => {
          say(draft);
          setDraft("");
        }}
      >
        <label htmlFor="text">Your text</label>
        <input
          id="text"
          autoComplete="off"
          required
          maxLength={500}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
        />
        <button type="submit">Say</button>
      </form>
    </>
  );
}

function Members({ members }: { readonly members: readonly Member[] }) {
  return (
    <ul aria-label="Members">
      {members.map(({ key, name, isTyping }) => (
        <li key={key}>
          {name}
          {isTyping && " is typing …"}
        </li>
      ))}
    </ul>
  );
}
