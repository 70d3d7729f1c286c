export * from "./common";
export * from "./logging";
export * from "./torch";
export * from "./training";
export { setSeed } from "./seed";
