export { isLoopback } from "./loopback";
export { createServer, type ServerOptions } from "./server";
