/** The language of experiments: YAML, composition, overrides, interpolation, config classes, the registry of kinds, errors. No tensors. */
export * from "./errors";
export * from "./python-errors";
export { nearestNames, suggestNames, withSuggestion } from "./nearest-names";
export { pyFloatRepr, pyNumber, toExponentialPython, toFixedHalfEven, toGeneralPython } from "./python-format";
export {
  composeConfig,
  composeUnresolved,
  locateIn,
  mergeConfigs,
  openFiles,
  parseOverrides,
  resolveConfig,
  type ComposedConfig,
  type ComposeOptions,
  type UnresolvedConfig,
} from "./compose/compose";
export { displayPath } from "./compose/config-files";
export {
  childOf,
  cloneNode,
  Float,
  fromPlain,
  mapNode,
  scalarNode,
  toPlain,
  type ListNode,
  type MapNode,
  type Node,
  type ScalarNode,
} from "./yaml/nodes";
export { parseOverride, isSweep, type Override } from "./overrides/override";
export type { ValueTree } from "./overrides/override-value";
export { registerResolver, type JobInfo, type Resolver, type ResolverContext } from "./interpolation/resolvers";
export { yamlFloat } from "./yaml/scalars";
export { readYaml } from "./yaml/reader";
export { toWritable } from "./yaml/to-writable";
export { writeYaml } from "./yaml/writer";
export {
  findKind,
  lookupKind,
  notImplementedMessage,
  register,
  registeredKinds,
  type KindClass,
  type KindEntry,
  type Registration,
} from "./registry";
export * from "./migration";
export * from "./factory";
export * from "./schema";
