export { configPath } from "./config-file";
export { type Credentials, credentialsIfAny, type CredentialSources, getCredentials } from "./credentials";
export { Provider } from "./providers";
export { registerSecret, sanitize } from "../redact";
