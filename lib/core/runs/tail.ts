import { open } from "node:fs/promises";

/** The end of a text file, from the first whole line on; empty where there is no file. */
export async function readTail(path: string, bytes: number): Promise<string> {
  const file = await open(path).catch(() => null);
  if (file === null) return "";
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - bytes);
    const part = Buffer.alloc(size - start);
    const { bytesRead } = await file.read(part, 0, part.length, start);
    const text = part.toString("utf8", 0, bytesRead);
    return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    await file.close();
  }
}
