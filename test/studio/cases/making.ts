// Making pictures: prompt, live progress, references, creativity, start image, seed, starters.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Browser } from "playwright-core"
import sharp from "sharp"
import { jobsOf, make, openPage, openStudio, promptOf, QUICK } from "../support.ts"

export const making = (browser: () => Browser): void => {
  describe("making pictures", () => {
    test("a new user makes a first picture in one action, and it comes live over the one event stream", async () => {
      await using studio = await openStudio({ engine: { stepMilliseconds: 80 } })
      const { page, complaints, close } = await openPage(browser(), studio)
      const streams: string[] = []
      page.on("request", (r) => r.url().includes("/api/events") && streams.push(r.url()))
      await page.getByRole("button", { name: "Words only: Make it" }).click()
      await page.locator(".tile-preview").first().waitFor()
      await page.locator(".tile-open img").first().waitFor()
      await page.getByTestId("spoken").filter({ hasText: "Take completed" }).waitFor({ state: "attached" })
      assert.ok(streams.length <= 1, "one stream")
      assert.deepEqual(complaints, [])
      await close()
    })

    test("references pull and push, creativity, seed and start image reach the server as they were set", async () => {
      await using studio = await openStudio({ real: true })
      const { page, close } = await openPage(browser(), studio, { draft: QUICK })
      await make(page, "a fox in the snow", { count: 2 })
      // From a picture of the page.
      await page.locator(".tile-open").first().focus()
      await page.keyboard.press("r")
      const slider = page.getByLabel("Reference 1: from away to towards")
      await slider.fill("-0.8")
      assert.equal(await slider.getAttribute("aria-valuetext"), "away, 0.8")
      await page.getByText("away", { exact: true }).waitFor()
      // From a file.
      const bytes = await sharp({ create: { width: 64, height: 64, channels: 3, background: "#c63" } })
        .png()
        .toBuffer()
      const file = { name: "look.png", mimeType: "image/png", buffer: bytes }
      const [chooser] = await Promise.all([
        page.waitForEvent("filechooser"),
        page.getByRole("button", { name: "Add reference" }).click(),
      ])
      await chooser.setFiles(file)
      await page.getByLabel("Reference 2: exact weight").fill("1.25")
      await page.keyboard.press("Enter")
      const [second] = await Promise.all([
        page.waitForEvent("filechooser"),
        page.getByRole("button", { name: "Start image" }).click(),
      ])
      await second.setFiles(file)
      await page.getByLabel("Start image: Strength").fill("0.55")
      // One action each.
      await page.getByRole("radio", { name: "High" }).check()
      await page.getByRole("button", { name: "Lock the seed" }).click()
      const seed = Number(await page.getByLabel("Seed number").inputValue())
      await make(page, "a lighthouse on a cliff")
      const [newest] = await jobsOf(studio)
      const { request } = newest!
      assert.deepEqual(
        request.references.map((r) => r.weight),
        [-0.8, 1.25],
      )
      assert.equal(request.start?.strength, 0.55)
      assert.equal(request.creativity, 100)
      assert.equal(request.seed, seed)
      await close()
    })

    test("a muted reference is left out, an eleventh is refused in a sentence, and order can be changed by buttons", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "one picture", { count: 1 })
      for (let i = 0; i < 11; i++) {
        await page.locator(".tile-open").first().focus()
        await page.keyboard.press("r")
      }
      await page.getByText("All 10 places are taken").waitFor()
      assert.equal(await page.locator(".slot").count(), 10)
      await page.getByLabel("Reference 1: from away to towards").fill("2")
      await page.getByRole("button", { name: "References 1", exact: true }).click()
      await page.getByRole("menuitem", { name: "Move reference 1 right" }).click()
      assert.equal(await page.getByLabel("Reference 2: exact weight").inputValue(), "2")
      await page.getByRole("button", { name: "References 2", exact: true }).click()
      await page.getByRole("menuitem", { name: "Mute reference 2" }).click()
      // Who passes its number by changes nothing.
      await page.getByLabel("Reference 2: exact weight").focus()
      await page.keyboard.press("Tab")
      await page.getByText("muted", { exact: true }).waitFor()
      await make(page, "without the muted one")
      const [newest] = await jobsOf(studio)
      assert.equal(newest!.request.references.length, 9)
      await close()
    })

    test("what the model read marks the words that creativity added", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "a fox in the snow", { count: 1 })
      await page.locator(".tile-open").first().click()
      assert.equal(await page.locator("mark").textContent(), "as the model read it")
      await close()
    })

    test("yesterday's look comes back with one action, all but the seed with remix", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await page.getByRole("radio", { name: "Low" }).check()
      await make(page, "yesterday's look", { count: 1 })
      await page.getByRole("radio", { name: "High" }).check()
      await promptOf(page).fill("something else")
      await page.getByRole("button", { name: "Use all" }).first().click()
      assert.equal(await promptOf(page).inputValue(), "yesterday's look")
      assert.ok(await page.getByRole("radio", { name: "Low" }).isChecked())
      const [job] = await jobsOf(studio)
      assert.equal(await page.getByLabel("Seed number").inputValue(), String(job!.request.seed))
      await page.locator(".tile-open").first().focus()
      await page.keyboard.press("m")
      await page.getByRole("button", { name: "Lock the seed" }).waitFor()
      // On its way to a server that answers late, a take is told of and not ordered twice; answered, it can be again.
      const gate = Promise.withResolvers<void>()
      await page.route("**/api/jobs", async (route) => {
        await gate.promise
        await route.continue()
      })
      await promptOf(page).press("Enter")
      await page.locator(".generate[data-pending]").waitFor()
      await promptOf(page).press("Enter")
      gate.resolve()
      await page.locator(".generate:not([data-pending])").waitFor()
      await page.locator(".take").nth(1).waitFor()
      assert.equal((await jobsOf(studio)).length, 2)
      await promptOf(page).press("Enter")
      await page.locator(".take").nth(2).waitFor()
      await close()
    })

    test("only what the model supports is shown", async () => {
      const { testModel } = await import("../../support/engine.ts")
      const supports = {
        ...testModel.supports,
        references: false,
        start: false,
        boards: false,
        sliders: false,
      }
      await using studio = await openStudio({ engine: { models: [{ ...testModel, supports }] } })
      const { page, close } = await openPage(browser(), studio)
      await promptOf(page).waitFor()
      for (const name of ["Add reference", "Start image", "Moodboard"])
        assert.equal(await page.getByRole("button", { name, exact: true }).count(), 0)
      await page.getByRole("button", { name: "More settings" }).click()
      await page.getByText("does not support references").waitFor()
      await close()
    })
  })
}
