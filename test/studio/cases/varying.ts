// Variations of a picture: what is asked for, what comes back into the dock, where they are told of.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Browser, Locator, Page } from "playwright-core"
import { LIMITS } from "../../../src/request/index.ts"
import type { JobView } from "../../../src/server/native/views.ts"
import { jobsOf, make, openPage, openStudio, promptOf, QUICK, type Studio } from "../support.ts"

const tiles = (page: Page): Locator => page.locator("[data-newest] .tile-open")
const chip = (page: Page): Locator => page.locator(".variation-slot")
const slider = (page: Page): Locator =>
  page.getByRole("slider", { name: "Variation: from the same picture to another one" })
const button = (page: Page, name: string): Locator => page.getByRole("button", { name, exact: true })

/** Presses a key on a picture of the newest take, and waits for the pictures that it asks for. */
async function press(page: Page, key: string, at: number): Promise<void> {
  const tile = tiles(page).nth(at)
  const old = await page.locator("[data-newest]").getAttribute("data-job")
  await tile.focus()
  await page.keyboard.press(key)
  await newer(page, old)
}

/** The pictures of a take that is newer than `old` are there. */
async function newer(page: Page, old: string | null): Promise<void> {
  await page.locator(`[data-newest]:not([data-job="${old}"])`).waitFor()
  await tiles(page).locator("img").first().waitFor()
}

async function cameFrom(studio: Studio, job: JobView): Promise<unknown[]> {
  const answer = await fetch(`${studio.url}/api/jobs/${job.id}/lineage`)
  return ((await answer.json()) as { cameFrom: unknown[] }).cameFrom
}
const parentOf = (picture: JobView["pictures"][number]) => ({
  picture: picture.id,
  role: "variation",
  job: picture.job,
})

export const varying = (browser: () => Browser): void => {
  describe("variations", () => {
    test("V makes four variations of exactly this picture, with all else of its request and what was read for it", async () => {
      await using studio = await openStudio({ real: true })
      const { page, close } = await openPage(browser(), studio, { draft: QUICK })
      await make(page, "a fox", { count: 2 })
      await press(page, "v", 1)
      await page.locator("[data-newest]").getByText("variation of seed").waitFor()
      const [subtle, plain] = await jobsOf(studio)
      const { seed, ...request } = plain!.request
      const [, picture] = plain!.pictures
      const variationOf = [{ seed: picture!.seed, strength: 0.3 }]
      assert.deepEqual(subtle!.request, { ...request, seed: subtle!.request.seed, count: 4, variationOf })
      assert.notEqual(subtle!.request.seed, seed)
      assert.deepEqual(await cameFrom(studio, subtle!), [parentOf(picture!)])
      // Expanded for each seed anew, it would be read four ways.
      assert.deepEqual(subtle!.expandedPrompts, Array(4).fill(plain!.expandedPrompts[1]))
      await close()
    })

    test("a variation of a variation goes on from there, strongly with Shift; inspector, lineage and every code tell the way", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "a fox", { count: 1 })
      await press(page, "v", 0)
      // While one looks closely too; what looks is closed, for the new pictures are behind it.
      const look = page.getByRole("dialog", { name: "Look" })
      const old = await page.locator("[data-newest]").getAttribute("data-job")
      await tiles(page).nth(2).click()
      await look.waitFor()
      await page.keyboard.press("Shift+V")
      await look.waitFor({ state: "detached" })
      await newer(page, old)
      const [second, first, plain] = await jobsOf(studio)
      const [a, b] = [plain!.pictures[0]!, first!.pictures[2]!]
      const variationOf = [
        { seed: a.seed, strength: 0.3 },
        { seed: b.seed, strength: 0.6 },
      ]
      assert.deepEqual(second!.request.variationOf, variationOf)
      assert.deepEqual(await cameFrom(studio, second!), [parentOf(b)])
      await tiles(page).first().click()
      const inspector = page.getByRole("complementary", { name: "Inspector" })
      await inspector.getByText(`${a.seed} · 0.3 → ${b.seed} · 0.6`).waitFor()
      await inspector.getByText(`"variationOf":${JSON.stringify(variationOf)}`).waitFor()
      await inspector.getByRole("radio", { name: "CLI" }).check()
      await inspector.getByText(`--variation-of ${a.seed}:0.3 --variation-of ${b.seed}:0.6`).waitFor()
      await inspector.getByRole("radio", { name: "TypeScript" }).check()
      await inspector
        .locator("pre")
        .filter({ hasText: /atelier\.generate\(.*"variationOf"/s })
        .waitFor()
      await inspector.locator(".lineage").getByRole("button", { name: "a fox, picture 3" }).click()
      await inspector.getByText(`${a.seed} · 0.3`, { exact: true }).waitFor()
      await close()
    })

    test("a take's variation comes back into the dock, can be set and removed, and again keeps it", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "a fox", { count: 1 })
      await press(page, "v", 0)
      const [varied, plain] = await jobsOf(studio)
      const { seed } = plain!.pictures[0]!
      const isNewest = async (strength: number | null): Promise<JobView> => {
        const [job] = await jobsOf(studio)
        assert.deepEqual(job!.request.variationOf, strength === null ? undefined : [{ seed, strength }])
        const parents = strength === null ? [] : [parentOf(plain!.pictures[0]!)]
        assert.deepEqual(await cameFrom(studio, job!), parents)
        return job!
      }
      const generate = async (): Promise<void> => {
        const old = await page.locator("[data-newest]").getAttribute("data-job")
        await promptOf(page).press("Enter")
        await newer(page, old)
      }
      assert.equal(await chip(page).count(), 0)
      await page.locator("[data-newest]").getByRole("button", { name: "Again" }).click()
      await newer(page, varied!.id)
      const again = await isNewest(0.3)
      assert.notEqual(again.request.seed, varied!.request.seed)
      // With its own seed it is the very picture; with the slider it comes nearer, in the same direction.
      await tiles(page).nth(1).focus()
      await page.keyboard.press("u")
      await chip(page).getByText(String(seed), { exact: true }).waitFor()
      await chip(page).locator("img").waitFor()
      assert.equal(await slider(page).getAttribute("aria-valuetext"), "0.3, details change")
      await slider(page).fill("0.1")
      await generate()
      const nearer = await isNewest(0.1)
      assert.equal(nearer.request.seed, again.pictures[1]!.seed)
      // Kept over a reload; remixed, in new directions.
      await page.reload()
      await tiles(page).first().focus()
      assert.equal(await slider(page).inputValue(), "0.1")
      await page.keyboard.press("m")
      await button(page, "Lock the seed").waitFor()
      await page.getByLabel("Variation: exact strength").fill("0.7")
      await page.keyboard.press("Enter")
      await generate()
      assert.notEqual((await isNewest(0.7)).request.seed, nearer.request.seed)
      // Also when the take of the picture is gone: its seed is all that is needed.
      await fetch(`${studio.url}/api/jobs/${plain!.id}`, { method: "DELETE" })
      await generate()
      await chip(page).hover()
      await button(page, "Stop varying this picture").click()
      await chip(page).waitFor({ state: "detached" })
      await generate()
      await isNewest(null)
      await close()
    })

    test("a seed of a variation is not used without what it turns, nor a plain one with it", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "a fox", { count: 1 })
      await press(page, "v", 0)
      const reuse = async (at: number): Promise<void> => {
        await page.locator(".take").nth(at).locator(".tile-open").first().click()
        await button(page, "Reuse seed").click()
        await page.keyboard.press("Escape")
        await page.getByRole("dialog", { name: "Look" }).waitFor({ state: "detached" })
      }
      const places = await page.locator(".take").evaluateAll((takes) => takes.map((t) => t.dataset.newest))
      const newest = places.indexOf("true")
      await reuse(newest)
      await chip(page).waitFor()
      await reuse(1 - newest)
      await chip(page).waitFor({ state: "detached" })
      await button(page, "Unlock the seed: a new one each time").click()
      await button(page, "Lock the seed").click()
      await chip(page).waitFor()
      await close()
    })

    test("after as many variations as a request holds, a sentence says how to go on", async () => {
      await using studio = await openStudio()
      const variationOf = Array.from({ length: LIMITS.variations }, (_, seed) => ({ seed, strength: 0.1 }))
      const body = JSON.stringify({ prompt: "a far fox", seed: 99, variationOf })
      await fetch(`${studio.url}/api/jobs?wait=60`, { method: "POST", body })
      const { page, close } = await openPage(browser(), studio)
      await tiles(page).locator("img").waitFor()
      await tiles(page).focus()
      await page.keyboard.press("v")
      await page.getByText("20 variations lead to this picture, and no more can follow.").waitFor()
      assert.equal((await jobsOf(studio)).length, 1)
      await close()
    })

    test("a grid varies how far a variation is from its picture, where the dock has one", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "a fox", { count: 1 })
      const open = async (): Promise<string[]> => {
        await button(page, "Grid").click()
        return page.getByLabel("Columns", { exact: true }).locator("option").allTextContents()
      }
      assert.ok(!(await open()).includes("Variation strength"))
      await button(page, "Close grid").click()
      await press(page, "v", 0)
      await tiles(page).first().focus()
      await page.keyboard.press("u")
      await chip(page).waitFor()
      assert.ok((await open()).includes("Variation strength"))
      await page.getByLabel("Columns", { exact: true }).selectOption("Variation strength")
      await page.getByLabel("Columns: Values").fill("0, 1.5")
      await page.getByText("1.5 is not between 0 and 1.").waitFor()
      await page.getByLabel("Columns: Values").fill("0, 0.5, 1")
      await button(page, "Make 3 pictures").click()
      await page.locator(".sheet .tile-open").nth(2).waitFor()
      const jobs = (await jobsOf(studio)).slice(0, 3)
      assert.deepEqual(jobs.map((j) => j.request.variationOf![0]!.strength).toReversed(), [0, 0.5, 1])
      assert.equal(new Set(jobs.map((j) => j.request.seed)).size, 1)
      await close()
    })

    test("held R shows a variation without its references, and still as a variation", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "plain", { count: 1 })
      await tiles(page).first().focus()
      await page.keyboard.press("r")
      await make(page, "with a reference", { count: 1 })
      await press(page, "v", 0)
      await tiles(page).nth(3).focus()
      await page.keyboard.down("r")
      await page
        .locator(".tile-word")
        .filter({ hasText: /^Without references$/ })
        .waitFor()
      await page.keyboard.up("r")
      const [bare, varied] = await jobsOf(studio)
      assert.deepEqual(bare!.request.references, [])
      assert.equal(varied!.request.variationOf?.length, 1)
      assert.deepEqual(bare!.request.variationOf, varied!.request.variationOf)
      assert.equal(bare!.request.seed, varied!.pictures[3]!.seed)
      await close()
    })
  })
}
