// What the tests of the page stand on: a real server with a real page, and a real browser.
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core"
import { type Running, type ServeOptions, serve } from "../../src/server/index.ts"
import { buildStudio } from "../../studio/build.ts"
import { type TestEngineOptions, testEngine } from "../support/engine.ts"

const PLACES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
]
/** The browser to test with; null where there is none. */
export const chromiumPath = (): string | null => PLACES.find((path) => path && existsSync(path)) ?? null

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath()!,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  })
}

export interface Studio extends AsyncDisposable {
  url: string
  directory: string
  running: Running
  /** Stops the server as it is, and starts it again on the same folder and port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A server with the page, on a folder of its own, with the tests' engine unless another is given. */
export async function openStudio(
  options: { engine?: TestEngineOptions; serve?: ServeOptions } = {},
): Promise<Studio> {
  const directory = await mkdtemp(join(tmpdir(), "atelier-studio-"))
  const studioDirectory = await buildStudio()
  const start = (port: number): Promise<Running> =>
    serve(
      {
        directory,
        port,
        studioDirectory,
        logLevel: "silent",
        filter: "off",
        previewEvery: 1,
        ...options.serve,
      },
      testEngine({ side: 192, ...options.engine }),
    )
  let running = await start(0)
  const port = Number(new URL(running.url).port)
  return {
    url: running.url,
    directory,
    get running() {
      return running
    },
    async restart() {
      await running.close()
      running = await start(port)
    },
    stop: () => running.close(),
    async [Symbol.asyncDispose]() {
      await running.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A page on the studio. What its console complains about ends up in `complaints`. */
export async function openPage(
  browser: Browser,
  studio: Pick<Studio, "url">,
  options: BrowserContextOptions & { language?: string } = {},
): Promise<{ page: Page; context: BrowserContext; complaints: string[] }> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    ...options,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const complaints: string[] = []
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  await page.goto(studio.url)
  return { page, context, complaints }
}
