import { promisify } from "node:util";
import { Body, Controller, Get, HttpCode, Inject, Post, Req, UnauthorizedException } from "@nestjs/common";
import type { Request } from "express";
import type { Note } from "./contract.ts";
import { Notes } from "./notes.ts";

@Controller()
export class NotesController {
  @Inject(Notes) readonly notes!: Notes;

  @Post("sign-in")
  @HttpCode(204)
  async signIn(@Req() request: Request, @Body("name") name: string): Promise<void> {
    const { session } = request;
    // A new session: a page of another user may have planted the cookie of the old one.
    await promisify(session.regenerate).call(session);
    request.session.user = name;
  }

  @Get("me")
  me(@Req() { session: { user } }: Request): string {
    if (user === undefined) throw new UnauthorizedException("Sign in first");
    return user;
  }

  @Get("notes")
  all(): Promise<readonly Note[]> {
    return this.notes.all();
  }
}
