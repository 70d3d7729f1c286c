import { composeUnresolved, resolveConfig, writeYaml } from "../config";
import { childOf } from "../config/yaml/nodes";
import { displayPath } from "../config/compose/config-files";
import { toWritable } from "../config/yaml/to-writable";
import type { MapNode, Node } from "../config";
import { ConfigError } from "../config/errors";
import type { HydraArguments } from "./hydra-arguments";

/** The composed config as YAML, interpolations resolved on demand (`--cfg job [--resolve] [--package x]`). */
export function showConfig({ file, overrides, searchPath, resolve, package: part }: HydraArguments): string {
  const unresolved = composeUnresolved({ file, overrides, searchPath });
  const root: MapNode = resolve ? resolveConfig(unresolved).tree : unresolved.tree;
  const keys = part === undefined || part === "_global_" ? [] : part.split(".");
  const node = keys.reduce<Node | undefined>((at, key) => at && childOf(at, key), root);
  if (!node) throw new ConfigError([{ path: part ?? "", message: "the config has no such key to show" }]);
  return writeYaml(toWritable(node));
}

/** The files that make up the config, in the order in which they are merged (`--info`). */
export function showInfo({ file, overrides, searchPath }: HydraArguments): string {
  const { parts } = composeUnresolved({ file, overrides, searchPath });
  const width = Math.max(...parts.map(({ config }) => config.path.length), 4);
  const rows = parts.map((part) => `${part.config.path.padEnd(width)}  ${part.package || "_global_"}`);
  return [`config: ${file ? displayPath(file) : "(none)"}`, "", `${"file".padEnd(width)}  package`, ...rows, ""].join(
    "\n",
  );
}
