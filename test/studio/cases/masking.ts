// Painting a mask over the start image: by pointer, by keys, by finger, and what becomes of it.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import sharp from "sharp"
import { jobsOf, make, openPage, openStudio, promptOf, type Studio } from "../support.ts"

type At = readonly [x: number, y: number]

/** A plain picture, stored lying as telephones do: it is seen as 1600 x 1200 pixels. */
const photograph = (): Promise<Buffer> =>
  sharp({ create: { width: 1200, height: 1600, channels: 3, background: "#7a8" } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()

async function giveStart(page: Page, buffer: Buffer, name = "start.jpg"): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Start image", exact: true }).click(),
  ])
  const mimeType = name.endsWith("png") ? "image/png" : "image/jpeg"
  await chooser.setFiles({ name, mimeType, buffer })
}

const layer = (page: Page) => page.getByRole("dialog", { name: "Mask" })
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })
const said = (page: Page, what: string): Promise<void> =>
  page.getByTestId("spoken").filter({ hasText: what }).waitFor({ state: "attached" })

/** A stroke by mouse; places are shares of the picture's sides. */
async function stroke(page: Page, from: At, to: At, which: "left" | "right" = "left"): Promise<void> {
  const box = (await page.locator(".mask-frame canvas").boundingBox())!
  const place = ([x, y]: At): [number, number] => [box.x + x * box.width, box.y + y * box.height]
  await page.mouse.move(...place(from))
  await page.mouse.down({ button: which })
  await page.mouse.move(...place(to), { steps: 4 })
  await page.mouse.up({ button: which })
}

async function use(page: Page): Promise<void> {
  await button(page, "Use mask").click()
  await layer(page).waitFor({ state: "detached" })
}

interface Stored {
  width: number
  height: number
  /** 0 to 255. */
  at: (...place: At) => number
}

/** The mask of the newest job, as the server has it. */
async function newestMask(studio: Studio): Promise<Stored> {
  const [job] = await jobsOf(studio)
  const answer = await fetch(`${studio.url}/files/assets/${job!.request.start!.mask}`)
  const image = sharp(await answer.bytes())
  assert.ok((await image.stats()).isOpaque)
  const { data, info } = await image.greyscale().raw().toBuffer({ resolveWithObject: true })
  const { width, height } = info
  return { width, height, at: (x, y) => data[Math.floor(y * height) * width + Math.floor(x * width)]! }
}

/** How opaque the mask is shown at a place of the open layer, 0 to 255. */
const shownAt = (page: Page, ...[x, y]: At): Promise<number> =>
  page
    .locator(".mask-frame canvas")
    .evaluate(
      (canvas: HTMLCanvasElement, [x, y]) =>
        canvas
          .getContext("2d")!
          .getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data[3]!,
      [x, y] as const,
    )

export const masking = (browser: () => Browser): void => {
  describe("the mask of the start image", () => {
    test("what the pointer paints is white in the mask, at the picture's shape, and is kept over a reload", async () => {
      await using studio = await openStudio()
      const { page, complaints, close } = await openPage(browser(), studio)
      await giveStart(page, await photograph())
      // Of the shape that the picture has, or what is painted at its sides would be cut off.
      await page.getByText("Set as start image, shape 4:3").waitFor()
      await button(page, "Shape 4:3").waitFor()
      await button(page, "Paint a mask").click()
      await stroke(page, [0.2, 0.5], [0.8, 0.5])
      await stroke(page, [0.5, 0.5], [0.5, 0.5], "right")
      await said(page, "Erased.")
      // Taken back and made again, a third stroke taken back for good.
      await stroke(page, [0.2, 0.9], [0.8, 0.9])
      await page.keyboard.press("Control+z")
      await page.keyboard.press("Control+z")
      await said(page, "Undone.")
      await page.keyboard.press("Control+Shift+z")
      const gate = Promise.withResolvers<void>()
      await page.route("**/api/assets", (route) => gate.promise.then(() => route.continue()))
      await use(page)
      // On its way to the server: a take would be made without it.
      await promptOf(page).fill("too early")
      assert.ok(await button(page, "Generate").isDisabled())
      await promptOf(page).press("Enter")
      await page.getByText("Uploading…").waitFor()
      gate.resolve()
      // Something new is wanted there, and it says so.
      await page.getByText("strength is 1").waitFor()
      assert.equal(await page.getByLabel("Strength", { exact: true }).inputValue(), "1")
      await page.locator(".slot .spin").waitFor({ state: "detached" })
      await page.reload()
      await make(page, "masked", { count: 1 })
      const mask = await newestMask(studio)
      assert.deepEqual([mask.width, mask.height], [1024, 768])
      const row = [0.1, 0.25, 0.5, 0.75, 0.9].map((x) => mask.at(x, 0.5))
      assert.deepEqual(row, [0, 255, 0, 255, 0])
      assert.deepEqual([mask.at(0.25, 0.3), mask.at(0.25, 0.7), mask.at(0.5, 0.9)], [0, 0, 0])
      assert.deepEqual(complaints, [])
      await close()
    })

    test("a mask is inverted, cleared and removed, and a new start image drops it", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await giveStart(page, await photograph())
      await button(page, "Paint a mask").click()
      await stroke(page, [0.3, 0.3], [0.7, 0.3])
      await button(page, "Invert the mask").click()
      await use(page)
      await page.locator(".slot .spin").waitFor({ state: "detached" })
      await make(page, "inverted", { count: 1 })
      const mask = await newestMask(studio)
      assert.deepEqual([mask.at(0.5, 0.3), mask.at(0.5, 0.7)], [0, 255])
      // An empty mask is none, and what wholly ignores the picture is no strength for all of it.
      const withoutMask = async (): Promise<void> => {
        await button(page, "Paint a mask").waitFor()
        assert.equal(await page.locator(".mask-thumb").count(), 0)
        assert.equal(await page.getByLabel("Strength", { exact: true }).inputValue(), "0.8")
      }
      await button(page, "Change the mask").click()
      await button(page, "Clear the mask").click()
      await use(page)
      await withoutMask()
      const again = async (): Promise<void> => {
        await button(page, "Paint a mask").click()
        await stroke(page, [0.3, 0.3], [0.7, 0.3])
        await use(page)
      }
      await again()
      await button(page, "Change the mask").click()
      await button(page, "Remove mask").click()
      await withoutMask()
      // What does not reach the server is not lost.
      await page.route("**/api/assets", (route) => route.abort())
      await again()
      await page.getByText("The server cannot be reached.").waitFor()
      await withoutMask()
      await page.unroute("**/api/assets")
      await button(page, "Go back").click()
      await use(page)
      await page.locator(".slot .spin").waitFor({ state: "detached" })
      await button(page, "Remove the start image").click()
      await giveStart(page, await photograph())
      await withoutMask()
      await close()
    })

    test("keys paint as the pointer does, and what was left unused comes back", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await giveStart(page, await photograph())
      await button(page, "Paint a mask").waitFor()
      await page.waitForFunction(() => !document.querySelector(".slot .spin"))
      await page.evaluate(() => (document.activeElement as HTMLElement).blur())
      await page.keyboard.press("k")
      await page.waitForFunction(() => document.activeElement?.tagName === "CANVAS")
      // From the middle up, then to the right while it is held.
      for (const key of ["]", "[", "Shift+ArrowUp", "Shift+ArrowUp"]) await page.keyboard.press(key)
      await page.keyboard.down("Space")
      for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+ArrowRight")
      await page.keyboard.up("Space")
      await said(page, "Painted.")
      await page.keyboard.press("Shift+ArrowLeft")
      await page.keyboard.press("x")
      await said(page, "Erased.")
      await page.keyboard.press("ArrowDown")
      await page.keyboard.press("?")
      await page.getByRole("dialog", { name: "Keyboard" }).getByText("On the mask").waitFor()
      await page.keyboard.press("Escape")
      await page.getByRole("dialog", { name: "Keyboard" }).waitFor({ state: "detached" })
      await page.keyboard.press("Escape")
      await button(page, "Go back").click()
      await page.waitForFunction(() => document.activeElement?.tagName === "CANVAS")
      await use(page)
      await page.locator(".slot .spin").waitFor({ state: "detached" })
      await make(page, "by keys", { count: 1 })
      const mask = await newestMask(studio)
      // A tenth of the longer side is two fifteenths of the shorter.
      const y = 0.5 - 4 / 15
      const row = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((x) => mask.at(x, y))
      assert.deepEqual(row, [0, 255, 255, 0, 255, 0])
      assert.equal(mask.at(0.5, 0.5), 0)
      await close()
    })

    test("use all brings a masked take back, also a mask that says it by transparency", async () => {
      await using studio = await openStudio()
      const blank = { width: 300, height: 200, channels: 4, background: "#fff" } as const
      const hole = await sharp({ create: { ...blank, width: 100, background: "#000" } })
        .png()
        .toBuffer()
      // Transparent is the left third.
      const mask = await sharp({ create: blank })
        .composite([{ input: hole, left: 0, top: 0, blend: "dest-out" }])
        .png()
        .toBuffer()
      const image = await sharp({ create: blank }).flatten().png().toBuffer()
      const address = (bytes: Buffer): string => `data:image/png;base64,${bytes.toString("base64")}`
      const start = { image: address(image), mask: address(mask), strength: 0.9 }
      const body = JSON.stringify({ prompt: "from elsewhere", start })
      const answer = await fetch(`${studio.url}/api/jobs?wait=60`, { method: "POST", body })
      assert.ok(answer.ok, await answer.text())
      const { page, close } = await openPage(browser(), studio)
      await page.getByText("start image, masked").waitFor()
      await page.locator(".tile-open").click()
      const inspector = page.getByRole("complementary", { name: "Inspector" })
      await inspector.getByText("Start image, masked").waitFor()
      await inspector.getByRole("radio", { name: "CLI" }).check()
      const [first] = await jobsOf(studio)
      await inspector.getByText(`--mask '${studio.url}/files/assets/${first!.request.start!.mask}'`).waitFor()
      await inspector.getByRole("button", { name: "Use all" }).click()
      await page.keyboard.press("Escape")
      await button(page, "Change the mask").click()
      await layer(page).locator("canvas").waitFor()
      await page.waitForFunction(
        () => document.querySelector<HTMLCanvasElement>(".mask-frame canvas")!.width > 300,
      )
      assert.ok((await shownAt(page, 0.15, 0.5)) > 100)
      assert.equal(await shownAt(page, 0.6, 0.5), 0)
      await stroke(page, [0.8, 0.5], [0.8, 0.5])
      await use(page)
      await page.locator(".slot .spin").waitFor({ state: "detached" })
      // A strength that was chosen stays.
      assert.equal(await page.getByLabel("Strength", { exact: true }).inputValue(), "0.9")
      await make(page, "and a place more", { count: 1 })
      const stored = await newestMask(studio)
      assert.deepEqual([stored.width, stored.height], [300, 200])
      assert.deepEqual([stored.at(0.15, 0.5), stored.at(0.6, 0.5), stored.at(0.8, 0.5)], [255, 0, 255])
      await close()
    })

    test("on a phone one finger paints, nothing scrolls, and every tool is in reach", async () => {
      await using studio = await openStudio()
      const { page, context, close } = await openPage(browser(), studio, {
        viewport: { width: 390, height: 844 },
        hasTouch: true,
        isMobile: true,
      })
      await giveStart(page, await photograph())
      await button(page, "Paint a mask").tap()
      const canvas = page.locator(".mask-frame canvas")
      const box = (await canvas.boundingBox())!
      // As large as fits.
      assert.ok(box.width > 360 && Math.abs(box.width / box.height - 4 / 3) < 0.01)
      const system = await context.newCDPSession(page)
      const finger = (type: "touchStart" | "touchMove" | "touchEnd", x = 0, y = 0): Promise<unknown> =>
        system.send("Input.dispatchTouchEvent", {
          type,
          touchPoints: type === "touchEnd" ? [] : [{ x: box.x + x * box.width, y: box.y + y * box.height }],
        })
      await finger("touchStart", 0.5, 0.2)
      for (const y of [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) await finger("touchMove", 0.5, y)
      await finger("touchEnd")
      await said(page, "Painted.")
      assert.deepEqual(
        await page.evaluate(() => [scrollX, scrollY, document.documentElement.scrollWidth]),
        [0, 0, 390],
      )
      for (const tool of await layer(page).locator("button, input").all()) {
        const { x, y, width, height } = (await tool.boundingBox())!
        assert.ok(
          width >= 24 && height >= 24,
          `${await tool.getAttribute("aria-label")}: ${width} x ${height}`,
        )
        assert.ok(x >= 0 && x + width <= 390 && y >= 0 && y + height <= 844)
      }
      await button(page, "Use mask").tap()
      await layer(page).waitFor({ state: "detached" })
      await page.locator(".slot .spin").waitFor({ state: "detached" })
      await promptOf(page).fill("by finger")
      await button(page, "Generate").tap()
      await page.locator("[data-newest] .tile-open img").first().waitFor()
      const mask = await newestMask(studio)
      assert.deepEqual([mask.at(0.5, 0.3), mask.at(0.5, 0.75), mask.at(0.3, 0.5)], [255, 255, 0])
      await close()
    })
  })
}
