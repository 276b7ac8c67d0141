// What the tests of the page stand on: a real server with a real page, and a real browser.
import { existsSync } from "node:fs"
import { rm } from "node:fs/promises"
import { after, before, describe } from "node:test"
import { fileURLToPath } from "node:url"
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from "playwright-core"
import { type Running, type ServeOptions, serve } from "../../src/server/index.ts"
import type { JobView } from "../../src/server/native/views.ts"
import { buildStudio } from "../../studio/build.ts"
import { type TestEngineOptions, testEngine } from "../support/engine.ts"
import { dataFolder } from "../support/folder.ts"

/** How long a thing may take before it counts as not happening: machines that test are busy ones. */
export const PATIENCE_MS = 120_000

const PLACES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
]
/** The browser to test with; null where there is none. */
export const chromiumPath = (): string | null => PLACES.find((path) => path && existsSync(path)) ?? null

export const ELSEWHERE = "atelier.test"

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
      // A name of another machine, as browsers see it: over plain HTTP they trust it less than this one's own.
      `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`,
    ],
  })
}

/**
 * Tests in one browser, in a file of their own each: files run beside each other, tests of a file do not. With the
 * embedded model where it is installed, else with the tests' engine. Skipped where there is no Chromium
 * (apt-get install chromium-headless-shell, or CHROMIUM=path).
 */
export function pageTests(name: string, cases: ((browser: () => Browser) => void)[]): void {
  describe(name, { skip: chromiumPath() ? false : "no Chromium here" }, () => {
    let browser: Browser
    before(async () => {
      browser = await openBrowser()
    })
    after(() => browser.close())
    for (const each of cases) each(() => browser)
  })
}

const MODEL = fileURLToPath(new URL("../../models/medium/model.json", import.meta.url))
/** Whether the embedded model is installed: then what can run with it does. */
export const hasRealModel = (): boolean => existsSync(MODEL) && process.env.STUDIO_TEST_ENGINE !== "1"

export interface Studio extends AsyncDisposable {
  url: string
  running: Running
  /** The server goes away in the middle of everything. */
  crash(): Promise<void>
  /** And comes back on the same folder and port. */
  start(): Promise<void>
}

interface StudioOptions {
  engine?: TestEngineOptions
  serve?: ServeOptions
  /** With the embedded model where it is installed. */
  real?: boolean
}

/** A server with the page, on a folder of its own. */
export async function openStudio(options: StudioOptions = {}): Promise<Studio> {
  const directory = await dataFolder()
  const studioDirectory = await buildStudio()
  const engine =
    options.real && hasRealModel()
      ? (await import("../../src/controls/engine.ts")).createEngine({ threads: 1 })
      : testEngine({ side: 192, ...options.engine })
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
      engine,
    )
  let running = await start(0)
  const port = Number(new URL(running.url).port)
  return {
    url: running.url,
    get running() {
      return running
    },
    crash: () => running.close(),
    async start() {
      running = await start(port)
    },
    async [Symbol.asyncDispose]() {
      await running.close()
      await engine.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Pages that tests have left as they found them, on nothing, for the next test of the same browser. */
const idle = new WeakMap<Browser, Page[]>()

/** Leaves a page to the next test: nothing that a test may do to it, or that its origin keeps, is left. */
async function putBack(browser: Browser, page: Page, url: string): Promise<void> {
  const context = page.context()
  try {
    for (const other of context.pages()) if (other !== page) await other.close()
    page.removeAllListeners()
    await page.unrouteAll({ behavior: "ignoreErrors" })
    // Same site, so the browser keeps its process, and with it the page's code.
    await page.goto(`${url}/healthz`)
    await page.evaluate(() => {
      localStorage.clear()
      sessionStorage.clear()
    })
    await page.mouse.move(0, 0)
    await page.emulateMedia({ colorScheme: null, reducedMotion: "reduce" })
    await page.setViewportSize(WIDE)
    await context.clearCookies()
    await context.clearPermissions()
    idle.set(browser, [...(idle.get(browser) ?? []), page])
  } catch {
    // Its server may be gone by now: then the next test gets another page.
    await context.close()
  }
}

const WIDE = { width: 1440, height: 900 }

/** What a page's dock holds when it opens, and whether the test does to its context what cannot be undone. */
type PageOptions = BrowserContextOptions & { draft?: object; isOwn?: boolean }

/**
 * A page on the studio. What its console complains about ends up in `complaints`. Tests that ask for nothing else of the
 * browser take turns on one page, for a new one costs a second: a test of what stays, like a clock, says `isOwn`.
 */
export async function openPage(
  browser: Browser,
  studio: Pick<Studio, "url">,
  { draft, isOwn = false, ...options }: PageOptions = {},
): Promise<{ page: Page; context: BrowserContext; complaints: string[]; close: () => Promise<void> }> {
  const isShared = !isOwn && Object.keys(options).length === 0
  const found = isShared ? idle.get(browser)?.pop() : undefined
  const page = found ?? (await newPage(browser, options))
  const complaints: string[] = []
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return
    complaints.push(`${message.text()} (${message.location().url})`)
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  if (draft) {
    await page.goto(`${studio.url}/healthz`)
    await page.evaluate((value) => localStorage.setItem("atelier.draft", value), JSON.stringify(draft))
  }
  await page.goto(studio.url)
  const context = page.context()
  const close = () => (isShared ? putBack(browser, page, studio.url) : context.close())
  return { page, context, complaints, close }
}

async function newPage(browser: Browser, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({
    viewport: WIDE,
    locale: "en-GB",
    reducedMotion: "reduce",
    ...options,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  return page
}

/** Few steps and no choice among noises: for where the page is looked at, not the picture. */
export const QUICK = { steps: 4, candidates: 1 }

export const promptOf = (page: Page): Locator => page.getByLabel("Prompt", { exact: true })

/** Writes a prompt, presses Enter and waits for the pictures. */
export async function make(page: Page, prompt: string, options: { count?: number } = {}): Promise<void> {
  await promptOf(page).fill(prompt)
  if (options.count) {
    await page.getByRole("button", { name: /^\d+ pictures?$/ }).click()
    await page
      .getByRole("dialog", { name: "Pictures" })
      .getByRole("textbox", { name: "Pictures" })
      .fill(String(options.count))
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
  }
  await promptOf(page).press("Enter")
  const take = page.locator("[data-newest]").filter({ hasText: prompt })
  const made = take.locator(".tile-open img").first()
  const broken = take.locator(".broken")
  await made.or(broken).first().waitFor()
  // A take that ended otherwise says why, and no test has to run out of patience to learn it.
  if (await broken.isVisible()) throw new Error(`“${prompt}”: ${await broken.textContent()}`)
}

/** Jobs as the server has them, newest first. */
export async function jobsOf(studio: Pick<Studio, "url">): Promise<JobView[]> {
  const answer = await fetch(`${studio.url}/api/jobs`)
  return ((await answer.json()) as { items: JobView[] }).items
}
