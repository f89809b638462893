import { injectIntoGlobalHook, performReactRefresh, register } from "react-refresh/runtime";

injectIntoGlobalHook(window);

export const hotReload = { register, perform: performReactRefresh };
