import { registerSecret, sanitize } from "../../lib/io";
import { IoError } from "../../lib/io";

afterEach(() => {
  delete process.env["HF_TOKEN"];
  delete process.env["AWS_SECRET_ACCESS_KEY"];
});

test.each([
  ["token hf_abcdefghijkl in text", "token hf_***REDACTED*** in text"],
  ["hf_hub and hf_short are words", "hf_hub and hf_short are words"],
  ["Authorization: Bearer abcdefgh", "Authorization: Bearer ***REDACTED***"],
  ["key AKIAIOSFODNN7EXAMPLE", "key ***REDACTED***"],
  ["http://user:password@proxy:3128/x", "http://***REDACTED***@proxy:3128/x"],
  ["http://user:pa%40ss@proxy:3128", "http://***REDACTED***@proxy:3128"],
  [
    "GET /x?X-Amz-Credential=AKIA%2F1&X-Amz-Signature=0123abcd&n=1",
    "GET /x?X-Amz-Credential=***REDACTED***&X-Amz-Signature=***REDACTED***&n=1",
  ],
  ["hf://org/name@v1?filename=a.pt", "hf://org/name@v1?filename=a.pt"],
  ["s3://bucket/a@b.bin", "s3://bucket/a@b.bin"],
])("%s", (text, clean) => expect(sanitize(text)).toBe(clean));

test("the token of the environment, whatever it looks like, and however it is written", () => {
  process.env["HF_TOKEN"] = 'pass "word"';
  expect(sanitize(`pass "word" pass%20%22word%22 ${JSON.stringify('pass "word"')}`)).not.toMatch(/word/);
});

test("a secret within another one", () => {
  process.env["AWS_SECRET_ACCESS_KEY"] = "inner-and-more";
  registerSecret("inner");
  expect(sanitize("inner-and-more")).toBe("***REDACTED***");
});

test("messages of errors are clean", () => {
  process.env["HF_TOKEN"] = "no-prefix-token";
  expect(new IoError("X", "failed with no-prefix-token").message).toBe("failed with ***REDACTED***");
});
