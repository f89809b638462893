// The server makes `talk-contract.js` from this contract, without the schemas.
export { talk } from "../contracts/talk.ts";
