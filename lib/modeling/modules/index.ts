/** Building blocks of the models. */
export { Activation, ActivationTypes, buildActivation } from "./activations";
export * from "./attention";
export * from "./blocks";
export * from "./decoders";
export * from "./encoders";
export * from "./layers";
export * from "./mlp";
export * from "./untied";
