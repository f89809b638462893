import { Module } from "@nestjs/common";
import { createRuntime, MemoryLayer } from "greenroom";
import { Board } from "./board.ts";
import type { Note } from "./contract.ts";
import { GreenroomModule } from "./greenroom.module.ts";
import { NotesModule } from "./notes.module.ts";
import { Notes } from "./notes.ts";
import { Sessions } from "./sessions.ts";

const sockets = GreenroomModule.forRoot({
  imports: [NotesModule],
  inject: [Notes, Sessions],
  useFactory(notes: Notes, { signedIn }: Sessions) {
    const layers = { board: new MemoryLayer<{ written: Note }>() };
    const runtime = createRuntime({ layers, services: { notes } });
    runtime.route(Board, { guards: [signedIn] });
    return runtime;
  },
});

@Module({ imports: [NotesModule, sockets] })
export class AppModule {}
