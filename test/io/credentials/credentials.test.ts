import { writeFileSync } from "node:fs";
import { configureLogging, getCredentials, sanitize } from "../../../lib/io";
import { credentialsIfAny } from "../../../lib/io/credentials";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();
const file = (content: unknown): string => {
  const path = folder.at("config.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};
const from = (
  provider: "huggingface" | "aws",
  environment: Record<string, string | undefined>,
  content: unknown = {},
) => getCredentials(provider, { environment, configFile: file(content) });

const messages: string[] = [];
beforeEach(() => {
  messages.length = 0;
  configureLogging({ debug: true, sink: (level, message) => messages.push(`${level} ${message}`) });
});
afterEach(() => configureLogging());

test("the environment comes first", () => {
  expect(from("huggingface", { HF_TOKEN: "of-the-environment" }, { huggingface: { HF_TOKEN: "of-the-file" } })).toEqual(
    {
      HF_TOKEN: "of-the-environment",
    },
  );
});

test.each([{}, { HF_TOKEN: "" }])("the file is read where the environment has nothing: %j", (environment) =>
  expect(from("huggingface", environment, { huggingface: { HF_TOKEN: "of-the-file" } })).toEqual({
    HF_TOKEN: "of-the-file",
  }),
);

test.each([{}, { aws: {} }, { aws: { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" } }])(
  "without credentials requests are anonymous: %j",
  (content) => expect(from("aws", {}, content)).toEqual({}),
);

test("an empty token in the file is no token", () =>
  expect(from("huggingface", {}, { huggingface: { HF_TOKEN: "" } })).toEqual({}));

test("no config file is needed", () =>
  expect(getCredentials("huggingface", { environment: {}, configFile: folder.at("none.json") })).toEqual({}));

test("key, secret and session token are of one source; the region is from wherever it is", () => {
  const stale = { AWS_ACCESS_KEY_ID: "f-id", AWS_SECRET_ACCESS_KEY: "f-secret", AWS_SESSION_TOKEN: "f-session" };
  const environment = { AWS_ACCESS_KEY_ID: "e-id", AWS_SECRET_ACCESS_KEY: "e-secret" };
  expect(from("aws", environment, { aws: { ...stale, AWS_DEFAULT_REGION: "eu-west-1" } })).toEqual({
    ...environment,
    AWS_REGION: "eu-west-1",
  });
});

test("half a key pair is an error that names what is missing, and no value", () => {
  const mixed = () => from("aws", { AWS_ACCESS_KEY_ID: "half-of-it" }, { aws: { AWS_SECRET_ACCESS_KEY: "the-rest" } });
  expect(mixed).toThrow("Missing credential: AWS_SECRET_ACCESS_KEY for provider aws");
  expect(mixed).toThrow(expect.not.objectContaining({ message: expect.stringContaining("half-of-it") }));
});

test.each([
  [{ AWS_REGION: "a", AWS_DEFAULT_REGION: "b" }, { AWS_REGION: "a" }],
  [{ AWS_DEFAULT_REGION: "b" }, { AWS_REGION: "b" }],
  [{ AWS_ENDPOINT_URL: "http://x" }, { AWS_ENDPOINT_URL: "http://x" }],
  [{ AWS_ENDPOINT_URL: "http://x", AWS_ENDPOINT_URL_S3: "http://y" }, { AWS_ENDPOINT_URL: "http://y" }],
])("settings have one name: %j", (environment, expected) => expect(from("aws", environment)).toEqual(expected));

test("the endpoint is read from the file, too", () =>
  expect(from("aws", {}, { aws: { AWS_ENDPOINT_URL: "https://minio.local" } })).toEqual({
    AWS_ENDPOINT_URL: "https://minio.local",
  }));

test("a broken file is named, its content is not", () => {
  const broken = () => from("huggingface", {}, '{"huggingface": {"HF_TOKEN": "secret-of-the-file"');
  expect(broken).toThrow(/^Invalid JSON in config file: .*config\.json$/);
});

test.each([[[1]], [{ huggingface: "text" }], [{ huggingface: { HF_TOKEN: 7 } }]])(
  "a file of another shape is refused: %j",
  (content) => expect(() => from("huggingface", {}, content)).toThrow(/config file .*: expected/),
);

test("an unknown provider is refused", () =>
  expect(() => getCredentials("constructor" as never)).toThrow("Unsupported provider: constructor"));

test("names are logged, values are not", () => {
  from("huggingface", { HF_TOKEN: "secret-of-the-log" });
  expect(messages).toEqual(["DEBUG credentials for huggingface: HF_TOKEN"]);
});

test("what cannot be read is a warning where requests may be anonymous", () => {
  expect(credentialsIfAny("huggingface", { environment: {}, configFile: file("{") })).toEqual({});
  expect(messages).toEqual([expect.stringMatching(/^WARNING no credentials for huggingface.*Invalid JSON/)]);
});

test("values of a file are kept out of messages from then on", () => {
  from("aws", {}, { aws: { AWS_ACCESS_KEY_ID: "id-in-file", AWS_SECRET_ACCESS_KEY: "s3cr3t/in+file" } });
  expect(sanitize("key id-in-file, s3cr3t/in+file, s3cr3t%2Fin%2Bfile")).not.toMatch(/id-in-file|in.{0,3}file/);
});
