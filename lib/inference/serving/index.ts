export { createServer, isLoopback, type ServerOptions } from "./server";
