// The runtime, for the development server and for main.ts.
import { createRuntime, MemoryLayer } from "greenroom";

export const createRooms = () => createRuntime({ layers: { chat: new MemoryLayer({ history: true }) } });
export type Rooms = ReturnType<typeof createRooms>;
