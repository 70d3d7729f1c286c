export * from "./predict";
export * from "./run";
export * from "./runners";
