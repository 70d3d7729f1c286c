export * from "./runners";
