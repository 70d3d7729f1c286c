/** Composition of configs from YAML files and overrides. */
export { composeConfig, type ComposedConfig, type ComposeOptions } from "./compose";
export { displayPath } from "./config-files";
export { Float, fromPlain, toPlain, type Node } from "./nodes";
export { parseOverride, isSweep, type Override } from "./override";
export { parseValue, Sweep, type ValueTree } from "./override-value";
export { registerResolver, type JobInfo, type Resolver, type ResolverContext } from "./resolvers";
export { pythonFloat, yamlFloat } from "./scalars";
export { readYaml } from "./yaml-reader";
export { writeYaml } from "./yaml-writer";
