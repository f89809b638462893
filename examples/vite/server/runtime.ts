// The runtime. A change of this file restarts the development server.
import { createRuntime, MemoryLayer } from "greenroom";

export const createRooms = () => createRuntime({ layers: { chat: new MemoryLayer() } });
export type Rooms = ReturnType<typeof createRooms>;
