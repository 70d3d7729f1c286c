/**
 * noether-ts: every layer as a namespace. `noether-ts/torch`, `noether-ts/modeling`, … give one layer each,
 * and load no more than it needs.
 *
 * @module
 */
export * as torch from "./torch";
export * as config from "./config";
export * as core from "./entries/core";
export * as initializers from "./initializers";
export * as data from "./data";
export * as modeling from "./modeling";
export * as io from "./io";
export * as training from "./training";
export * as inference from "./inference";
