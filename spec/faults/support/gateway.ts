import { startForwarder } from "../../support/forwarder.ts";

/** A TCP proxy for one client. While it is shut, other clients still reach the server. */
export interface Gateway {
  readonly url: string;
  /** Ends all connections, and accepts no new ones until {@link open}. */
  shut(): void;
  open(): void;
  close(): Promise<void>;
}

/** @param limit the number of connections that the proxy accepts in total. */
export async function startGateway(
  target: { readonly host: string; readonly port: number },
  limit = Number.POSITIVE_INFINITY,
): Promise<Gateway> {
  let isOpen = true;
  let accepted = 0;
  const forwarder = await startForwarder(() => {
    accepted += 1;
    return isOpen && accepted <= limit ? target : undefined;
  });
  const shut = () => {
    isOpen = false;
    forwarder.cut();
  };
  return {
    url: `redis://127.0.0.1:${forwarder.port}`,
    shut,
    open() {
      isOpen = true;
    },
    close() {
      isOpen = false;
      return forwarder.close();
    },
  };
}
