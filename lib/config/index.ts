/** The language of experiments: YAML, composition, overrides, interpolation, config classes, the registry of kinds, errors. No tensors. */
export * from "./errors";
export * from "./python-errors";
export { nearestNames, suggestNames, withSuggestion } from "./nearest-names";
export {
  composeConfig,
  composeUnresolved,
  mergeConfigs,
  openFiles,
  parseOverrides,
  resolveConfig,
  type ComposedConfig,
  type ComposeOptions,
  type UnresolvedConfig,
} from "./compose/compose";
export {
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
export { readYaml } from "./yaml/reader";
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
