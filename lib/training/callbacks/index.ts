/** Callbacks that read data while a run trains or is evaluated. Each registers itself under its kind. */
export { OfflineLossCallback } from "./offline-loss";
