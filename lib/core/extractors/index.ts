export { ForwardHook, type ForwardHookOptions, StopForwardException } from "./forward-hook";
