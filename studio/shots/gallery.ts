// Servers with something to look at, and pages that stand on a view: for screenshots and for the accessibility tests.
import { rm } from "node:fs/promises"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import type { Engine } from "../../src/request/index.ts"
import { type Running, serve } from "../../src/server/index.ts"
import { dataFolder } from "../../test/support/folder.ts"
import { buildStudio } from "../build.ts"
import { HOLD, paintingEngine } from "./engine.ts"
import type { View } from "./views.ts"

export const SIZES = {
  wide: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
} as const satisfies Record<string, BrowserContextOptions>
export type Size = keyof typeof SIZES
export type Theme = "light" | "dark"

const post = async <T>(url: string, path: string, body: unknown): Promise<T> =>
  (await (await fetch(`${url}/api/${path}`, { method: "POST", body: JSON.stringify(body) })).json()) as T
/** Orders a take and waits for its pictures. */
export const make = (url: string, body: object): Promise<{ id: string; pictures: { id: string }[] }> =>
  post(url, "jobs?wait=120", body)

/** A day's work: takes of several shapes, one failed, two boards. */
async function fill(url: string): Promise<void> {
  const misty = { prompt: "misty valley at first light" }
  const valleys = await make(url, { ...misty, seed: 11, count: 8 })
  const [first, second] = [{ seed: 13 }, { seed: 3_027_551_906, strength: 0.6 }]
  const parent = valleys.pictures[2]!.id
  const varied = await make(url, { ...misty, variationOf: [first], seed: second.seed, parent })
  const way = { variationOf: [first, second], parent: varied.pictures[0]!.id }
  await make(url, { ...misty, ...way, seed: 906_113_725, count: 4 })
  const size = { width: 1376, height: 768 }
  const wide = await make(url, {
    prompt: "rolling hills before a storm, oil on canvas",
    seed: 52,
    count: 3,
    ...size,
  })
  await make(url, { prompt: "a broken lens", seed: 1, count: 2 })
  await make(url, {
    prompt: "desert dunes under a pale sun",
    seed: 77,
    count: 4,
    width: 832,
    height: 1248,
    creativity: 10,
  })
  const references = wide.pictures.slice(0, 2).map((p, i) => ({ image: p.id, weight: i ? -0.8 : 1.2 }))
  const shape = { width: 1248, height: 832 }
  await make(url, {
    prompt: "a lighthouse on a cliff",
    seed: 41,
    count: 4,
    ...shape,
    creativity: 100,
    references,
  })
  const pictures = wide.pictures.map((p) => ({ image: p.id, weight: 1 }))
  await post(url, "boards", { name: "Stormy oils", pictures })
  await post(url, "boards", { name: "Evening palette", pictures: pictures.slice(0, 2) })
}

/** One take half-way and three waiting. */
async function occupy(url: string): Promise<void> {
  const size = { width: 1376, height: 768 }
  await make(url, { prompt: "rolling hills before a storm", seed: 52, count: 3, ...size })
  const held = { negativePrompt: HOLD, ...size }
  await post(url, "jobs", {
    ...held,
    prompt: "mountains at dawn",
    seed: 91,
    count: 4,
    width: 1248,
    height: 832,
  })
  for (const prompt of ["a quiet harbour at dusk", "snow on pine trees", "an orchard in spring"])
    await post(url, "jobs", { ...held, prompt, seed: 5, count: 2 })
}

/** Until what opened has opened: no layer is on its way, nothing moves but what moves for ever. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(() => document.fonts.ready)
  // A change of colours becomes an animation only when it is drawn.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  await page.waitForFunction(() => {
    const layers = [...document.querySelectorAll(".over, .popover, .tooltip")]
    const isThere = (layer: Element): boolean => {
      const { opacity, clipPath } = getComputedStyle(layer)
      return opacity === "1" && clipPath === "none"
    }
    const isEndless = (a: Animation): boolean => a.effect?.getComputedTiming().endTime === Infinity
    return (
      document.querySelector("[data-entering], [data-exiting]") === null &&
      layers.every(isThere) &&
      document.getAnimations().every((a) => a.playState !== "running" || isEndless(a))
    )
  })
}

export interface Gallery {
  /** The page of a size on a view: it is the same one every time, so one view of a size at a time. */
  open(
    browser: Browser,
    view: View,
    size: Size,
    theme: Theme,
  ): Promise<{ page: Page; wear: (theme: Theme) => Promise<void> }>
  close(): Promise<void>
}

/**
 * A page that shows view after view, each as if it were the first. A page that is loaded again takes less than half of
 * what a new one takes: the browser has its code and its pictures.
 */
async function blank(browser: Browser, size: Size): Promise<Page> {
  // By cut: a view that fades by itself after a while would be met half-way, now and then.
  const context = await browser.newContext({ ...SIZES[size], reducedMotion: "reduce", locale: "en-GB" })
  await context.addInitScript(() => {
    localStorage.clear()
    sessionStorage.clear()
  })
  const page = await context.newPage()
  page.setDefaultTimeout(120_000)
  return page
}

/** Who makes the pictures, and which stand in the full history. */
export interface Art {
  engine: () => Engine
  fill: (url: string) => Promise<void>
}
const painted: Art = { engine: paintingEngine, fill }

/** Starts what these views need. */
export async function openGallery(views: readonly View[], art = painted): Promise<Gallery> {
  const studioDirectory = await buildStudio()
  const directories: string[] = []
  const servers: Partial<Record<"full" | "empty" | "busy", Running>> = {}
  for (const on of new Set(views.map((v) => v.on ?? "full"))) {
    const directory = await dataFolder()
    directories.push(directory)
    const running = await serve(
      {
        directory,
        port: 0,
        studioDirectory,
        logLevel: "silent",
        filter: "off",
        previewEvery: 1,
        localLimits: { concurrency: 1 },
      },
      art.engine(),
    )
    servers[on] = running
    if (on === "full") await art.fill(running.url)
    if (on === "busy") await occupy(running.url)
  }
  const pages: Partial<Record<Size, Promise<Page>>> = {}
  return {
    async open(browser, view, size, colorScheme) {
      pages[size] ??= blank(browser, size)
      const page = await pages[size]
      await page.unrouteAll({ behavior: "ignoreErrors" })
      await view.before?.(page)
      await page.emulateMedia({ colorScheme })
      await page.goto(servers[view.on ?? "full"]!.url)
      await view.show(page, size)
      await settle(page)
      const wear = async (theme: Theme): Promise<void> => {
        await page.emulateMedia({ colorScheme: theme })
        await settle(page)
      }
      return { page, wear }
    },
    async close() {
      for (const page of Object.values(pages)) await (await page).context().close()
      for (const server of Object.values(servers)) await server.close()
      for (const directory of directories) await rm(directory, { recursive: true, force: true })
    },
  }
}
