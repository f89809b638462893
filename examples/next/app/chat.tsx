"use client";
import { useConnection, useEvents } from "greenroom/client/react";
import { useState } from "react";
import { room } from "../room";

export function Chat({ name }: { readonly name: string }) {
  const { client, status } = useConnection(room, { params: { room: name } });
  const [lines, setLines] = useState<readonly { readonly id: number; readonly text: string }[]>([]);
  useEvents(client, "said", ({ text }) => setLines((lines) => [...lines, { id: lines.length, text }]));

  function say(form: FormData) {
    client?.send("say", { text: String(form.get("text")) }).catch(console.error);
  }
  return (
    <>
      <p role="status">{status.state}</p>
      <ul>
        {lines.map(({ id, text }) => (
          <li key={id}>{text}</li>
        ))}
      </ul>
      <form action={say}>
        <input name="text" aria-label="Text" required maxLength={500} /> <button type="submit">Say</button>
      </form>
    </>
  );
}
