/** Files: checkpoints that PyTorch reads and writes, and safetensors. */
export { load, loadAsync, save, saveAsync, type LoadOptions, type SaveOptions } from "./checkpoint";
export {
  loadSafetensors,
  loadSafetensorsAsync,
  saveSafetensors,
  saveSafetensorsAsync,
  type LoadSafetensorsOptions,
  type SafetensorsFile,
  type SaveSafetensorsOptions,
} from "./safetensors";
export { CheckpointError } from "./errors";
export {
  ComplexNumber,
  Float,
  isFloatEntry,
  OrderedDict,
  Size,
  TorchDevice,
  TorchDType,
  toMap,
  tuple,
  Tuple,
} from "./python-values";
