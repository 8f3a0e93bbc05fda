// Lets the example find its packages here: it has none of its own.

import { register } from "node:module";

const here = JSON.stringify(new URL("./here.js", import.meta.url).href);
const hooks = `
  export function resolve(name, context, next) {
    const isPackage = /^[a-z@]/.test(name) && !name.includes(":") && context.parentURL?.includes("/examples/");
    return next(name, isPackage ? { ...context, parentURL: ${here} } : context);
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
