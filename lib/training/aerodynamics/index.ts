/** Training of aerodynamics surrogates: what the experiments in `examples/aerodynamics` name. */
export { TutorialConfigSchema } from "./config-schema";
export { AutomotiveAerodynamicsCFDTrainer, AutomotiveAerodynamicsCfdTrainerConfig } from "./trainer";
