/** The server of io.ts, in a process of its own: `io-server.ts small|large`; prints its addresses, ends with its input. */
import { makeDigest } from "../lib/io/verification/digest";
import { HubServer, someBytes } from "../test/support/hub-server";
import { S3Server } from "../test/support/s3-server";

async function main(): Promise<void> {
  const [hub, s3] = [new HubServer(), new S3Server()];
  await Promise.all([hub.start(), s3.start()]);
  const isLarge = process.argv[2] === "large";
  for (let i = 0; i < (isLarge ? 4 : 1000); i++) {
    const content = someBytes(isLarge ? 128 * 2 ** 20 : 20_000, i);
    const name = `d${i % 10}/${i}.bin`;
    hub.put("models", "o/n", { [name]: content });
    // as the SDKs of Amazon have sent objects since 2025: with a CRC32, which the server stores
    const crc32 = makeDigest("crc32");
    crc32.update(content);
    s3.put("b", name, content, undefined, {}, { checksums: { crc32: crc32.digest().toString("base64") } });
  }
  console.log(JSON.stringify({ hub: hub.url, s3: s3.url }));
  process.stdin.resume().once("end", () => process.exit(0));
}

void main();
