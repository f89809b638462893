// Makes the modules of this process import ioredis 5: `npm run test:ioredis-5` runs specs of Redis with it.
import { register } from "node:module";

const ioredis5 = new URL("versions/node_modules/ioredis-5/built/index.js", import.meta.url).href;

const hooks = `
  export const resolve = (name, context, next) => next(name === "ioredis" ? "${ioredis5}" : name, context);
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
