/** Composition of configs from YAML files and overrides. */
export {
  composeConfig,
  composeUnresolved,
  mergeConfigs,
  parseOverrides,
  resolveConfig,
  type ComposedConfig,
  type ComposeOptions,
  type UnresolvedConfig,
} from "./compose";
export { displayPath } from "./config-files";
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
} from "./nodes";
export { parseOverride, isSweep, type Override } from "./override";
export { parseValue, Sweep, type ValueTree } from "./override-value";
export { registerResolver, type JobInfo, type Resolver, type ResolverContext } from "./resolvers";
export { yamlFloat } from "./scalars";
export { readYaml } from "./yaml-reader";
export { writeYaml } from "./yaml-writer";
