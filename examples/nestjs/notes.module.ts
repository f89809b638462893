import { Module } from "@nestjs/common";
import { NotesController } from "./notes.controller.ts";
import { Notes } from "./notes.ts";
import { Sessions } from "./sessions.ts";

@Module({ controllers: [NotesController], providers: [Notes, Sessions], exports: [Notes, Sessions] })
export class NotesModule {}
