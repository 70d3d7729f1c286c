import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Chromium, where there is one; CHROMIUM names another. */
export const chromium = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

/** What the page looks like. */
export interface BrowserOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colours?: "light" | "dark";
}

/** Takes a picture of the page in between: `{ screenshot: "file.png" }`. */
export interface Screenshot {
  readonly screenshot: string;
}

/**
 * Opens a page without a window, evaluates expressions in it one after the other, and says what was thrown.
 *
 * @param folder where the browser may write
 */
export async function inBrowser(
  folder: string,
  url: string,
  steps: readonly (string | Screenshot)[],
  { width = 900, height = 700, colours = "light" }: BrowserOptions = {},
): Promise<{ values: unknown[]; errors: string[] }> {
  const flags = ["--headless=new", "--no-sandbox", "--enable-unsafe-swiftshader", "--use-angle=swiftshader"];
  const profile = `--user-data-dir=${join(folder, "profile")}`;
  const browser = spawn(
    chromium!,
    [...flags, "--remote-debugging-pipe", profile, `--window-size=${width},${height}`, "about:blank"],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  type Message = {
    id?: number;
    method?: string;
    params?: { exceptionDetails?: object };
    result?: Record<string, unknown>;
  };
  const waiting = new Map<number, (message: Message) => void>();
  const events: { method: string; resolve: () => void }[] = [];
  const errors: string[] = [];
  let rest = "";
  (browser.stdio[4] as NodeJS.ReadableStream).on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString("utf8")).split("\0");
    rest = parts.pop()!;
    for (const message of parts.map((part) => JSON.parse(part) as Message)) {
      waiting.get(message.id ?? -1)?.(message);
      if (message.method === "Runtime.exceptionThrown") errors.push(JSON.stringify(message.params!.exceptionDetails));
      for (const event of events) if (event.method === message.method) event.resolve();
    }
  });
  let id = 0;
  const send = async (method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> => {
    const number = ++id;
    const answer = new Promise<Message>((resolve) => waiting.set(number, resolve));
    const message = { id: number, method, params, ...(sessionId ? { sessionId } : {}) };
    (browser.stdio[3] as NodeJS.WritableStream).write(`${JSON.stringify(message)}\0`);
    return (await answer).result ?? {};
  };
  try {
    const { targetId } = await send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = (await send("Target.attachToTarget", { targetId, flatten: true })) as { sessionId: string };
    const page = (method: string, params: object = {}) => send(method, params, sessionId);
    await page("Page.enable");
    await page("Runtime.enable");
    await page("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    await page("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: colours }] });
    const loaded = new Promise<void>((resolve) => events.push({ method: "Page.loadEventFired", resolve }));
    await page("Page.navigate", { url });
    await loaded;
    const values: unknown[] = [];
    for (const step of steps) {
      if (typeof step !== "string") {
        const { data } = (await page("Page.captureScreenshot", { format: "png" })) as { data: string };
        writeFileSync(step.screenshot, Buffer.from(data, "base64"));
        continue;
      }
      const { result } = (await page("Runtime.evaluate", {
        expression: step,
        awaitPromise: true,
        returnByValue: true,
      })) as { result: { value?: unknown; description?: string } };
      values.push(result.value ?? result.description);
    }
    return { values, errors };
  } finally {
    const ended = new Promise((resolve) => browser.once("exit", resolve));
    browser.kill();
    await ended; // it still writes into its profile
  }
}
