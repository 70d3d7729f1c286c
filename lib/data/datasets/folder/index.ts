/** Simulations in files that a config describes. */
export { FolderDataset } from "./folder-dataset";
export {
  ConditionConfig,
  DomainConfig,
  FolderDatasetConfig,
  PropertyConfig,
  STRATEGIES,
  type CasesConfig,
  type SplitsConfig,
  type Strategy,
} from "./config";
export type { Case } from "./cases";
