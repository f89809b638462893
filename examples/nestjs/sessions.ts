import { Injectable } from "@nestjs/common";
import type { Request } from "express";
import session from "express-session";
import { middlewareGuard } from "greenroom";

declare module "express-session" {
  interface SessionData {
    user: string;
  }
}

/** The sessions of express-session, for requests and for sockets. */
@Injectable()
export class Sessions {
  // In production: a `store` that outlives the process, and `cookie.secure`.
  readonly middleware = session({
    secret: process.env.SECRET ?? "for development only",
    resave: false,
    saveUninitialized: false,
    cookie: { sameSite: "lax" },
  });
  readonly signedIn = middlewareGuard([this.middleware], ({ session: { user } }: Request) =>
    user === undefined ? { status: 401, reason: "Sign in first" } : { user },
  );
}
