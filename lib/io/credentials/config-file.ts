import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { InvalidInputError, IoError, systemCode } from "../errors";
import type { Provider } from "./providers";
import { registerSecret } from "../redact";

/** The file of credentials that the Python framework reads: `~/.config/emmi/config.json`. */
export function configPath(): string {
  return join(homedir(), ".config", "emmi", "config.json");
}

/**
 * The variables of a provider in a file of credentials: `{"aws": {"AWS_REGION": "eu-central-1", …}, …}`. Empty without a
 * file. Its values are kept out of all messages from then on.
 *
 * @throws InvalidInputError for a file that holds something else, IoError for one that cannot be read
 */
export function readConfigFile(provider: Provider, path: string = configPath()): Readonly<Record<string, string>> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return {};
    throw new IoError("IO_CONFIG_FILE", `cannot read the config file ${path}: ${systemCode(error) ?? "unknown"}`);
  }
  const variables = sectionOf(parse(text, path), provider, path);
  for (const [name, value] of Object.entries(variables)) {
    if (!/REGION|ENDPOINT|GOOGLE_APPLICATION_CREDENTIALS/.test(name)) registerSecret(value);
  }
  return variables;
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // V8's message quotes the text, which holds secrets: neither told nor kept as the cause
    throw new InvalidInputError(`Invalid JSON in config file: ${path}`);
  }
}

function sectionOf(content: unknown, provider: Provider, path: string): Record<string, string> {
  const section = isMapping(content) ? (Object.hasOwn(content, provider) ? content[provider] : {}) : null;
  if (!isMapping(section))
    throw new InvalidInputError(
      `config file ${path}: expected an object with an object of variables for each provider, ${JSON.stringify(provider)} has none`,
    );
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(section)) {
    if (value === null) continue;
    if (typeof value !== "string")
      throw new InvalidInputError(
        `config file ${path}: expected a string for ${provider}.${name}, got ${typeof value}`,
      );
    variables[name] = value;
  }
  return variables;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
