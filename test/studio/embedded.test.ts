// A designer's afternoon with the embedded model: one server in a process of its own, one browser, and work that is
// interrupted in every way. Skipped where there is no Chromium or no embedded model.
import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core"
import { violations } from "./axe.ts"
import { openProcess, type Process } from "./process.ts"
import {
  chromiumPath,
  hasRealModel,
  jobsOf,
  make,
  openBrowser,
  openPage,
  promptOf,
  QUICK,
} from "./support.ts"

const isAble = chromiumPath() !== null && hasRealModel()
/** As many as can be asked for: a fast machine takes a hundredth of a second for each. */
const LONG = 100
/** Pictures of a take that is interrupted and never waited for, and pictures and candidates of one that is made again. */
const MANY = 12
const CAUGHT = 2

const takeOf = (page: Page, prompt: string): Locator => page.locator(".take").filter({ hasText: prompt })

async function setSteps(page: Page, steps: number): Promise<void> {
  await page.getByRole("button", { name: "More settings" }).click()
  await page.getByRole("textbox", { name: "Steps" }).fill(String(steps))
  await page.keyboard.press("Enter")
  await page.keyboard.press("Escape")
  await page.getByRole("textbox", { name: "Steps" }).waitFor({ state: "detached" })
}

async function send(page: Page, prompt: string): Promise<Locator> {
  await promptOf(page).fill(prompt)
  await promptOf(page).press("Enter")
  const take = takeOf(page, prompt)
  await take.waitFor()
  return take
}

/** Comes back once the denoiser works on it. */
async function sendLong(page: Page, prompt: string): Promise<Locator> {
  await setSteps(page, LONG)
  const take = await send(page, prompt)
  await take
    .locator(".take-state")
    .filter({ hasText: new RegExp(`step \\d+ of ${LONG}`) })
    .waitFor()
  return take
}

describe("the studio page with the embedded model", {
  skip: isAble ? false : "no Chromium or no model",
}, () => {
  let browser: Browser
  let server: Process
  before(async () => {
    ;[browser, server] = await Promise.all([openBrowser(), openProcess()])
  })
  after(async () => {
    await browser.close()
    await server[Symbol.asyncDispose]()
  })
  /** A page whose dock asks for one picture, or for `count`, in few steps, and for as many candidates as the model has or `candidates`. */
  const open = (options: BrowserContextOptions = {}, count = 1, candidates: number | null = null) =>
    openPage(browser, server, { draft: { ...QUICK, count, candidates }, ...options })

  test("a new user makes a first picture in one action", async () => {
    const { page, complaints, close } = await open()
    await page.getByRole("button", { name: "Words only: Make it" }).click()
    await page.locator(".tile-open img").first().waitFor()
    const [job] = await jobsOf(server)
    assert.equal(job!.state, "completed")
    assert.deepEqual(complaints, [])
    await close()
  })

  test("a take is cancelled between two steps, and the next one is made", async () => {
    const { page, close } = await open({}, MANY)
    const take = await sendLong(page, "a castle nobody waits for")
    await take.getByRole("button", { name: "Cancel", exact: true }).click()
    await take.locator(".broken").getByText("cancelled").waitFor()
    await setSteps(page, QUICK.steps)
    await make(page, "a red apple", { count: 1 })
    const [next, cancelled] = await jobsOf(server)
    assert.equal(next!.state, "completed")
    assert.equal(cancelled!.state, "cancelled")
    assert.deepEqual(cancelled!.pictures, [])
    await close()
  })

  test("a server killed in mid-generation is started again: no reload, and the picture arrives", async () => {
    const { page, close } = await open({}, CAUGHT, CAUGHT)
    await page.evaluate(() => Object.assign(window, { isSame: true }))
    const take = await sendLong(page, "a lighthouse in a storm")
    const [before] = await jobsOf(server)
    assert.equal(before!.state, "sampling")
    await server.kill()
    await page.getByText("Reconnecting to the server").waitFor()
    assert.ok(await page.getByRole("button", { name: "Waiting for the server" }).isDisabled())
    await server.start()
    await page.getByText("Reconnecting to the server").waitFor({ state: "detached" })
    await take.locator(".tile-open img").first().waitFor()
    const [after] = await jobsOf(server)
    assert.equal(after!.id, before!.id)
    assert.equal(after!.request.seed, before!.request.seed)
    assert.equal(after!.tries, 2)
    assert.ok(await page.evaluate(() => (window as { isSame?: boolean }).isSame))
    await close()
  })

  test("with the keyboard alone a picture is made, marked, pushed away as a reference and made again", async () => {
    const { page, close } = await open()
    await promptOf(page).waitFor()
    await page.keyboard.type("a teapot by hand")
    await page.keyboard.press("Enter")
    await takeOf(page, "a teapot by hand").locator(".tile-open img").waitFor()
    /** Presses until the keyboard stands on it. */
    const walk = async (key: string, target: Locator): Promise<void> => {
      for (let presses = 0; presses < 60; presses++) {
        if (await target.evaluate((element) => element === document.activeElement)) return
        await page.keyboard.press(key)
      }
      assert.fail(`${key} does not lead there`)
    }
    await walk("Shift+Tab", page.locator("[data-newest] .tile-open"))
    await page.keyboard.press("f")
    await page.keyboard.press("r")
    const slider = page.getByLabel("Reference 1: from away to towards")
    await slider.waitFor()
    await page.keyboard.press("p")
    await walk("Shift+Tab", slider)
    await page.keyboard.press("Home")
    assert.equal(await slider.getAttribute("aria-valuetext"), "away, 2")
    await page.keyboard.press("p")
    await page.keyboard.press("Enter")
    await takeOf(page, "a teapot by hand").nth(1).locator(".tile-open img").waitFor()
    const [pushed, plain] = await jobsOf(server)
    assert.deepEqual(
      pushed!.request.references.map((r) => r.weight),
      [-2],
    )
    assert.ok(plain!.pictures[0]!.favourite)
    await close()
  })

  test("on a phone, in both themes, a picture is made and looked at", async () => {
    const { page, close } = await open({
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    })
    await make(page, "a green frog")
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme })
      await page.waitForFunction((theme) => {
        const [red] = getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? []
        return theme === "dark" ? Number(red) < 64 : Number(red) > 192
      }, colorScheme)
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
      assert.deepEqual(await violations(page, ["color-contrast"]), [], colorScheme)
    }
    await page.locator("[data-newest] .tile-open").tap()
    await page.locator(".look-picture img").waitFor()
    await close()
  })

  test("waiting takes are reordered, and made in the new order", async () => {
    // As many pictures as the model makes at once: so one take runs after the other.
    const { items } = (await (await fetch(`${server.url}/api/models`)).json()) as {
      items: { batch: number }[]
    }
    const { page, close } = await open({}, items[0]!.batch, 1)
    await promptOf(page).waitFor()
    await page.getByRole("button", { name: /^Queue/ }).click()
    await page.getByRole("button", { name: "Pause after current" }).click()
    await page.getByRole("button", { name: "Go on" }).waitFor()
    await page.getByRole("button", { name: "Close the queue" }).click()
    for (const prompt of ["a first drum", "a second drum", "a third drum"]) await send(page, prompt)
    await page.getByRole("button", { name: /^Queue/ }).click()
    const rows = page.getByTestId("waiting").getByRole("listitem")
    await rows.nth(2).getByRole("button", { name: "Move to the front" }).click()
    await rows.nth(0).getByText("a third drum").waitFor()
    await rows.nth(2).dragTo(rows.nth(1))
    await rows.nth(1).getByText("a second drum").waitFor()
    await page.getByRole("button", { name: "Go on" }).click()
    await page.getByRole("button", { name: "Close the queue" }).click()
    for (const prompt of ["a first drum", "a second drum", "a third drum"])
      await takeOf(page, prompt).locator(".tile-open img").first().waitFor()
    const drums = (await jobsOf(server)).filter((j) => j.request.prompt.endsWith("drum"))
    assert.deepEqual(
      drums.toSorted((a, b) => a.finishedAt!.localeCompare(b.finishedAt!)).map((j) => j.request.prompt),
      ["a third drum", "a second drum", "a first drum"],
    )
    await close()
  })
})
