import { Chat } from "./chat";

export default function Page() {
  return (
    <main>
      <h1>Room of tea</h1>
      <Chat name="tea" />
    </main>
  );
}
