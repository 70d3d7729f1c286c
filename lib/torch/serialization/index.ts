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
  attributesOf,
  ByteArray,
  ComplexNumber,
  Counter,
  Float,
  isFloatEntry,
  markFloatEntry,
  OrderedDict,
  Size,
  TorchDevice,
  TorchDType,
  TorchLayout,
  TorchQScheme,
  toMap,
  tuple,
  Tuple,
  TypedStorage,
  type QScheme,
} from "./python-values";
