/** Whose credentials there are. */
export enum Provider {
  HUGGINGFACE = "huggingface",
  AWS = "aws",
  AZURE = "azure",
  GCP = "gcp",
}

/** The variables of a provider, in the environment and in the config file. */
export interface ProviderVariables {
  /** All of them, or none: without credentials requests are anonymous. */
  readonly secret: readonly string[];
  /** Goes with the secret ones: taken from the source that they are from. */
  readonly companions: readonly string[];
  /** Settings, each from wherever it is found first. */
  readonly settings: readonly string[];
}

/** Azure and GCP have no user yet. */
export const VARIABLES: Readonly<Record<Provider, ProviderVariables>> = {
  [Provider.HUGGINGFACE]: { secret: ["HF_TOKEN"], companions: [], settings: [] },
  [Provider.AWS]: {
    secret: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    companions: ["AWS_SESSION_TOKEN"],
    settings: ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
  },
  [Provider.AZURE]: { secret: ["AZURE_STORAGE_CONNECTION_STRING"], companions: [], settings: [] },
  [Provider.GCP]: { secret: ["GOOGLE_APPLICATION_CREDENTIALS"], companions: [], settings: [] },
};
