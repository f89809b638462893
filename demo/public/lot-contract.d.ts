// The server makes `lot-contract.js` from this contract, without the schemas.
export { type LotView, lot } from "../contracts/lot.ts";
