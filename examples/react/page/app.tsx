import { useState } from "react";
import { Room } from "./room.tsx";

/** The address `/?room=coffee` leads to another room. */
const room = new URLSearchParams(location.search).get("room") ?? "tea";

export function App() {
  const [name, setName] = useState<string>();
  if (name) return <Room room={room} name={name} />;
  return (
    <>
      <h1>Room of {room}</h1>
      <form action={(form) => setName(String(form.get("name")).trim())}>
        <label htmlFor="name">Your name</label>
        <input id="name" name="name" autoComplete="nickname" required maxLength={40} />
        <button type="submit">Join</button>
      </form>
    </>
  );
}
