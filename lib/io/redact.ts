/** Keeps secrets out of whatever is printed. */

/** What stands in a secret's place. */
export const REDACTED = "***REDACTED***";

/** Variables of the environment whose values are secret. */
const SECRET_VARIABLES = [
  "HF_TOKEN",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AZURE_STORAGE_CONNECTION_STRING",
] as const;

/** Secrets that came from elsewhere: files of credentials, proxies. */
const known = new Set<string>();

/** From now on the text is kept out of everything that {@link sanitize} sees. Texts of fewer than four characters are no secrets. */
export function registerSecret(secret: string | null | undefined): void {
  if (secret && secret.length >= 4) known.add(secret);
}

/** Names of variables that hold secrets, and of config keys that do. */
const SECRET_NAME = /(^|[_.])(api_?key|access_?key|private_?key|token|secret|passw(or)?d|credentials?)$/i;

/** Whether a variable or config key of this name holds a secret: `WANDB_API_KEY`, `tracker.token`. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** What a secret looks like that nobody told us of: tokens, signatures in URLs, names and passwords in URLs. */
const PATTERNS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\bhf_[A-Za-z0-9]{7,}/g, `hf_${REDACTED}`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, REDACTED],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  [
    /([?&;](?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|Policy|Key-Pair-Id|AWSAccessKeyId|sig|token|access_token)=)[^&\s"'<>]+/gi,
    `$1${REDACTED}`,
  ],
  [/\b(Credential|Signature)=[A-Za-z0-9/_%+=-]{8,}/g, `$1=${REDACTED}`],
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]*@(?=[^\s/])/gi, `$1${REDACTED}@`],
];

/** The text without secrets: those of the environment, of credential files and proxies, and whatever looks like one. */
export function sanitize(text: string): string {
  let clean = text;
  const secrets = [...known];
  for (const name of SECRET_VARIABLES) {
    const value = process.env[name];
    if (value && value.length >= 4) secrets.push(value);
  }
  // the longest first, as one may hold another
  for (const secret of secrets.sort((a, b) => b.length - a.length)) {
    const replacement = secret.startsWith("hf_") ? `hf_${REDACTED}` : REDACTED;
    for (const form of formsOf(secret)) if (clean.includes(form)) clean = clean.replaceAll(form, replacement);
  }
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
  return clean;
}

/** How a secret may stand in a URL, in JSON or in a header. */
function formsOf(secret: string): Set<string> {
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  return new Set([...forms, Buffer.from(secret).toString("base64")].filter((form) => form.length >= 4));
}
