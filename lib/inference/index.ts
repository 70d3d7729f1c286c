export * from "./cases";
export * from "./forces";
export * from "./pictures";
export * from "./pool";
export * from "./predict";
export * from "./run";
export * from "./runners";
export * from "./serving";
