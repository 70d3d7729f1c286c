import { InvalidInputError, IoError, messageOf } from "../errors";
import { log } from "../logging";
import { configPath, readConfigFile } from "./config-file";
import { Provider, VARIABLES } from "./providers";
import { registerSecret } from "../redact";

/** Variables by name; empty without credentials. */
export type Credentials = Readonly<Record<string, string>>;

/** Where credentials are looked for. */
export interface CredentialSources {
  /** Default: the environment of the process. A variable that is set to nothing counts as unset. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default: `~/.config/emmi/config.json`. */
  readonly configFile?: string;
}

/**
 * The credentials of a provider: from the environment, else from the config file. Key, secret and session token are
 * always of one source. No credentials are an empty result: requests are then anonymous.
 *
 * AWS: `AWS_REGION` stands for `AWS_DEFAULT_REGION`, too, and `AWS_ENDPOINT_URL` for `AWS_ENDPOINT_URL_S3`.
 *
 * @throws IoError (`IO_MISSING_CREDENTIAL`) when a key is there without its secret, or the other way round
 * @throws InvalidInputError for a config file that cannot be understood
 */
export function getCredentials(provider: Provider | `${Provider}`, sources: CredentialSources = {}): Credentials {
  if (!Object.hasOwn(VARIABLES, provider)) throw new InvalidInputError(`Unsupported provider: ${String(provider)}`);
  const { secret, companions, settings } = VARIABLES[provider];
  const environment = sources.environment ?? process.env;
  const file = readConfigFile(provider as Provider, sources.configFile ?? configPath());

  const found: Record<string, string> = {};
  const source = [environment, file].find((variables) => secret.some((name) => present(variables[name])));
  if (source !== undefined) {
    for (const name of secret) {
      const value = source[name];
      if (!present(value)) {
        const where = source === file ? `the config file ${sources.configFile ?? configPath()}` : "the environment";
        throw new IoError(
          "IO_MISSING_CREDENTIAL",
          `Missing credential: ${name} for provider ${provider}: ${where} has ${secret.filter((other) => present(source[other])).join(", ")} without it`,
        );
      }
      found[name] = value.trim();
    }
    for (const name of companions) if (present(source[name])) found[name] = source[name].trim();
    Object.values(found).forEach(registerSecret);
  }
  for (const name of settings) {
    const value = present(environment[name]) ? environment[name] : file[name];
    if (present(value)) found[name] = value.trim();
  }
  if (provider === Provider.AWS) joinSynonyms(found);
  log.debug(`credentials for ${provider}: ${Object.keys(found).sort().join(", ") || "none"}`);
  return found;
}

/** Providers that the log has said are asked anonymously. */
const anonymous = new Set<string>();

/** {@link getCredentials} for what also works without: credentials that cannot be read are a warning, and none are a line in the log. */
export function credentialsIfAny(provider: Provider | `${Provider}`, sources: CredentialSources = {}): Credentials {
  try {
    const credentials = getCredentials(provider, sources);
    // asked for with each file, told once
    if (!anonymous.has(provider) && !VARIABLES[provider].secret.some((name) => name in credentials)) {
      anonymous.add(provider);
      log.info(`no credentials for ${provider}: requests are anonymous`);
    }
    return credentials;
  } catch (error) {
    log.warning(`no credentials for ${provider}, requests are anonymous: ${messageOf(error)}`);
    return {};
  }
}

function joinSynonyms(found: Record<string, string>): void {
  const region = found["AWS_REGION"] ?? found["AWS_DEFAULT_REGION"];
  const endpoint = found["AWS_ENDPOINT_URL_S3"] ?? found["AWS_ENDPOINT_URL"];
  delete found["AWS_DEFAULT_REGION"];
  delete found["AWS_ENDPOINT_URL_S3"];
  if (region !== undefined) found["AWS_REGION"] = region;
  if (endpoint !== undefined) found["AWS_ENDPOINT_URL"] = endpoint;
}

function present(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== "";
}
