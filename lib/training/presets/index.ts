/** Whole configs from a few parameters. */
export {
  type CallbackOptions,
  type DatasetOptions,
  DomainPreset,
  type OptimizerOptions,
  type PresetDataSpecs,
  type PresetOptions,
} from "./domain-preset";
export { modelDefaults, type ModelParameters } from "./model-defaults";
