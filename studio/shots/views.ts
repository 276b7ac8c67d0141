// Every view of the page and the way to it. Each begins on a page that has just been loaded.
import type { Page } from "playwright-core"
import sharp from "sharp"
import { scene } from "./engine.ts"

export interface View {
  name: string
  /** Against an empty history, or one with work under way, instead of a filled one. */
  on?: "empty" | "busy"
  /** Before the page is loaded. */
  before?: (page: Page) => Promise<unknown>
  show: (page: Page, size: "wide" | "phone") => Promise<void>
}

const ready = async (page: Page): Promise<void> => {
  await page.locator(".tile-open img").first().waitFor()
  // All pictures in sight have arrived.
  await page.waitForFunction(() => [...document.images].every((i) => i.complete && i.naturalWidth > 0))
}
const press =
  (key: string) =>
  async (page: Page): Promise<void> => {
    await ready(page)
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
    await page.locator(".tile-open").last().hover()
    await page.keyboard.press(key)
  }
/** Two pictures, whichever come first: tiles may still move when the second one is asked for. */
const compareTwo = async (page: Page): Promise<void> => {
  await ready(page)
  await page.locator(".tile-open").first().press("c")
  await page.locator(".tile[data-compared]").waitFor()
  await page.locator(".tile:not([data-compared]) .tile-open").first().press("c")
}
const giveStart = async (page: Page): Promise<void> => {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Start image" }).click(),
  ])
  const buffer = await sharp(Buffer.from(scene(7, 960, 640)))
    .png()
    .toBuffer()
  await chooser.setFiles({ name: "hills.png", mimeType: "image/png", buffer })
}
const openDock = async (page: Page, size: string): Promise<void> => {
  if (size === "phone") await page.getByRole("button", { name: "All settings" }).click()
}
const popover =
  (name: string | RegExp) =>
  async (page: Page, size: string): Promise<void> => {
    await ready(page)
    await openDock(page, size)
    await page.getByRole("button", { name }).first().click()
    await page.locator(".popover").waitFor()
  }

export const VIEWS: readonly View[] = [
  {
    name: "empty",
    on: "empty",
    show: async (page) => page.getByRole("heading", { name: /What would/ }).waitFor(),
  },
  {
    name: "loading",
    before: (page) => page.route("**/api/jobs?*", () => {}),
    show: async (page) => page.getByText("Loading your takes").waitFor(),
  },
  {
    name: "error",
    before: (page) =>
      page.route("**/api/jobs?*", (route) =>
        route.fulfill({
          status: 503,
          json: { error: { code: "unavailable", message: "The database is away; try again in a moment." } },
        }),
      ),
    show: async (page) => page.getByText("could not be loaded").waitFor(),
  },
  {
    name: "unreachable",
    before: (page) => page.route("**/capabilities", (route) => route.abort()),
    show: async (page) => page.getByText("cannot be reached").waitFor(),
  },
  { name: "takes", show: ready },
  {
    name: "failed",
    show: async (page) => {
      await ready(page)
      // Up to the take above it: the failed one comes into sight with it.
      await page.locator(".takes").evaluate((takes) => takes.scrollTo({ top: -700 }))
      await page.locator(".broken").scrollIntoViewIfNeeded()
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
      await ready(page)
    },
  },
  { name: "working", on: "busy", show: async (page) => page.locator(".take-state").nth(3).waitFor() },
  {
    name: "offline",
    before: (page) => page.route("**/api/events*", (route) => route.abort()),
    show: async (page) => {
      await ready(page)
      await page.getByText("Reconnecting").waitFor()
    },
  },
  {
    name: "dock-full",
    show: async (page, size) => {
      await ready(page)
      for (const i of [0, 1, 2]) {
        await page.locator(".tile-open").nth(i).focus()
        await page.keyboard.press("r")
      }
      await page.getByLabel("Reference 2: from away to towards").fill("-0.8")
      await page.getByLabel("Reference 3: from away to towards").fill("1.4")
      await page
        .getByLabel("Prompt", { exact: true })
        .fill("a lighthouse on a cliff, evening, long shadows over the grass")
      await openDock(page, size)
      await page.getByRole("button", { name: "Lock the seed" }).click()
      await page.locator(".toast").last().waitFor({ state: "detached" })
    },
  },
  {
    name: "dock-variation",
    show: async (page) => {
      await ready(page)
      await page.getByRole("searchbox").fill("misty")
      const take = page.locator(".take").filter({ hasText: "variation of seed 3027551906" })
      await take.locator(".tile-open").first().focus()
      await page.keyboard.press("u")
      await page.locator(".variation-slot img").waitFor()
      await giveStart(page)
      await page.locator(".tile-open").last().focus()
      await page.keyboard.press("r")
      await page.locator(".toast").last().waitFor({ state: "detached" })
      await ready(page)
    },
  },
  {
    name: "mask",
    show: async (page) => {
      await ready(page)
      await giveStart(page)
      await page.getByRole("button", { name: "Paint a mask" }).click()
      const { x, y, width, height } = (await page.locator(".mask-frame canvas").boundingBox())!
      await page.mouse.move(x + width * 0.2, y + height * 0.3)
      await page.mouse.down()
      await page.mouse.move(x + width * 0.6, y + height * 0.4, { steps: 4 })
      await page.mouse.up()
      await ready(page)
    },
  },
  { name: "creativity", show: popover("Set creativity finely") },
  { name: "shape", show: popover(/^Shape/) },
  { name: "more", show: popover("More settings") },
  {
    name: "look",
    show: async (page) => {
      await ready(page)
      await page.locator(".tile-open").last().click()
      await page.locator(".lineage img").first().waitFor()
      // Off the inspector, where the press has left it: no tooltip in the picture.
      await page.mouse.move(300, 300)
      await ready(page)
    },
  },
  {
    name: "compare",
    show: async (page) => {
      await compareTwo(page)
      await page.locator(".compare-side").waitFor()
      await ready(page)
      await page.locator(".toast").first().waitFor({ state: "detached" })
    },
  },
  {
    name: "compare-slider",
    show: async (page) => {
      await compareTwo(page)
      await page.getByRole("radio", { name: "Slider" }).check()
      await ready(page)
      await page.locator(".toast").first().waitFor({ state: "detached" })
    },
  },
  {
    name: "grid-form",
    show: async (page) => {
      await ready(page)
      await page.getByLabel("Prompt", { exact: true }).fill("a quiet harbour at dusk")
      await page.evaluate(() => (document.activeElement as HTMLElement).blur())
      await page.keyboard.press("g")
      await page.locator(".grid-form").waitFor()
      await page.getByLabel("Rows", { exact: true }).selectOption("seed")
    },
  },
  {
    name: "queue",
    on: "busy",
    show: async (page) => {
      await page.locator(".take-state").nth(3).waitFor()
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
      await page.keyboard.press("q")
      await page.locator(".queue-row").first().waitFor()
    },
  },
  {
    name: "boards",
    show: async (page) => {
      await press("b")(page)
      await page.locator(".board").first().waitFor()
      await ready(page)
    },
  },
  {
    name: "palette",
    show: async (page) => {
      await press("Control+k")(page)
      await page.getByRole("listbox").waitFor()
    },
  },
  {
    name: "help",
    show: async (page) => {
      await press("?")(page)
      await page.locator(".keys").waitFor()
    },
  },
  {
    name: "wall",
    show: async (page) => {
      await press("w")(page)
      await page.locator(".wall-row").first().waitFor()
      await ready(page)
    },
  },
  {
    name: "nothing",
    show: async (page) => {
      await ready(page)
      await page.getByRole("searchbox").fill("zeppelin")
      await page.getByText("Nothing matches").waitFor()
    },
  },
  {
    name: "filters",
    show: async (page) => {
      await ready(page)
      await page.getByRole("button", { name: "Filters" }).click()
      await page.locator(".popover").waitFor()
    },
  },
  {
    name: "settings",
    show: async (page) => {
      await ready(page)
      await page.getByRole("button", { name: "View settings" }).click()
      await page.locator(".popover").waitFor()
    },
  },
  {
    name: "picture-menu",
    show: async (page, size) => {
      await ready(page)
      if (size === "phone") {
        await page.locator(".tile-open").last().click()
        await page.locator(".look-bar").getByRole("button", { name: "Picture actions" }).click()
      } else {
        await page.locator(".tile").last().hover()
        await page.locator(".tile").last().getByRole("button", { name: "Picture actions" }).click()
      }
      await page.getByRole("menu").waitFor()
    },
  },
  {
    name: "sign-in",
    before: (page) =>
      page.route("**/capabilities", (route) =>
        route.fulfill({
          status: 401,
          json: { error: { code: "unauthorized", message: "This needs an API key." } },
        }),
      ),
    show: async (page) => page.getByLabel("API key").waitFor(),
  },
]
