/** The outcome of a client's attempt to resume its session. */
export type Resumption =
  | {
      readonly resumed: true;
      /** The number of frames that the client missed and will not get, because the session had to drop them. */
      readonly missed: number;
    }
  | {
      readonly resumed: false;
      /** The close code and the reason, such as 3993 for a session that has ended, or 3401 for a refusal with 401. */
      readonly code: number;
      readonly reason: string;
      /** The number of frames that the client missed, if the server knows it. */
      readonly missed?: number;
    };
