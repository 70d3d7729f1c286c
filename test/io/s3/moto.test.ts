/** A second opinion on S3: the server of moto, where the variable MOTO_SERVER names it (`pip install 'moto[server]'`). */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { configureLogging, fetchS3Prefix, S3FileUploader, withRetries } from "../../../lib/io";
import { clientConfig } from "../../../lib/io/s3";
import { s3Sdk } from "../../../lib/io/s3/sdk";
import { freePort } from "../../support/free-port";
import { someBytes } from "../../support/hub-server";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();
const moto = process.env["MOTO_SERVER"];
const isThere = moto !== undefined && existsSync(moto);
let server: ChildProcess | undefined;
afterAll(() => {
  server?.kill();
  configureLogging();
});

(isThere ? test : test.skip)(
  `what is uploaded is fetched${isThere ? "" : " (skipped: MOTO_SERVER names no moto_server)"}`,
  async () => {
    configureLogging({ sink: () => undefined });
    const port = await freePort();
    server = spawn(moto!, ["-p", String(port)], { stdio: "ignore" });
    const endpoint = `http://127.0.0.1:${port}`;
    await withRetries(
      "moto",
      async () =>
        fetch(`${endpoint}/bucket`, { method: "PUT" }).catch((error: Error) => Promise.reject(error.cause as Error)),
      { retries: 9 },
    );
    const pair = { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing" };
    const client = new (await s3Sdk()).S3Client(clientConfig({ AWS_ENDPOINT_URL: endpoint, ...pair }));
    mkdirSync(folder.at("up", "deep"), { recursive: true });
    const large = someBytes(20 * 2 ** 20);
    writeFileSync(folder.at("up", "large.bin"), large);
    writeFileSync(folder.at("up", "deep", "a b+c.txt"), "hello");
    await new S3FileUploader(folder.at("up"), "s3://bucket/p", { client }).uploadAll({ showProgress: false });
    expect(await fetchS3Prefix("bucket", "p/", folder.at("out"), null, { client })).toEqual([
      "p/deep/a b+c.txt",
      "p/large.bin",
    ]);
    expect(readFileSync(folder.at("out", "p/large.bin")).equals(large)).toBe(true);
    client.destroy();
  },
);
