// The dock: every setting reaches the server, pictures come in by every way, nothing wanted is more than two actions away.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import type { ModelInfo } from "../../../src/request/index.ts"
import { testModel } from "../../support/engine.ts"
import { jobsOf, make, openPage, openStudio, promptOf } from "../support.ts"

/** Pictures as the system would hand them over: by a drop anywhere, or by a paste into the prompt. */
async function give(
  page: Page,
  how: "drop" | "paste",
  names: string[],
  { text = "", type: mime = "image/png" } = {},
): Promise<void> {
  await page.evaluate(
    async ([kind, files, words, mime]) => {
      const data = new DataTransfer()
      if (words) data.setData("text/plain", words)
      for (const [i, name] of files.entries()) {
        const canvas = new OffscreenCanvas(32, 32)
        const c = canvas.getContext("2d")!
        c.fillStyle = `hsl(${i * 90} 60% 50%)`
        c.fillRect(0, 0, 32, 32)
        data.items.add(new File([await canvas.convertToBlob()], name, { type: mime }))
      }
      const options = { bubbles: true, cancelable: true }
      if (kind === "paste") {
        const event = new ClipboardEvent("paste", { ...options, clipboardData: data })
        document.querySelector("#prompt")!.dispatchEvent(event)
        return
      }
      for (const type of ["dragenter", "dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(type, { ...options, dataTransfer: data }))
    },
    [how, names, text, mime] as const,
  )
}

export const dock = (browser: () => Browser): void => {
  describe("the dock", () => {
    test("references come by drop and by paste, fall onto soft stops, change places by drag, and say what they add up to", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await promptOf(page).waitFor()
      await give(page, "drop", ["a.png", "b.png"])
      await page.locator(".slot").nth(1).waitFor()
      await give(page, "paste", ["c.png"])
      await page.locator(".slot").nth(2).waitFor()
      await page.getByText("towards", { exact: true }).nth(2).waitFor()
      // A picture that cannot be used is told; beside words, the words are what is pasted; too many are told too.
      await give(page, "drop", ["d.heic"], { type: "image/heic" })
      await page.getByText("Only PNG, JPEG and WebP").waitFor()
      await give(page, "paste", ["words.png"], { text: "a".repeat(5001) })
      await page.getByText("The prompt holds 5000 characters").waitFor()
      assert.equal(await page.locator(".slot").count(), 3)
      const meter = page.getByRole("meter", { name: "Influence" })
      assert.match(
        (await meter.getAttribute("aria-valuetext"))!,
        /^Influence 1\.8\. Words and references share/,
      )
      // Dragged to just beside 1, the thumb stands on 1; a double click takes the reference out.
      const slider = page.getByLabel("Reference 1: from away to towards")
      const box = (await slider.boundingBox())!
      const at = (weight: number): [number, number] => [
        box.x + 8 + ((weight + 2) / 4) * (box.width - 16),
        box.y + box.height / 2,
      ]
      await page.mouse.move(...at(0.6))
      await page.mouse.down()
      await page.mouse.move(...at(1.05), { steps: 4 })
      await page.mouse.up()
      assert.equal(await slider.inputValue(), "1")
      await page.getByLabel("Reference 2: exact weight").fill("2")
      await page.keyboard.press("Enter")
      await page.getByText("The references will outweigh your words.").waitFor()
      await slider.dblclick()
      await page.getByText("off", { exact: true }).waitFor()
      assert.equal(await slider.getAttribute("aria-valuetext"), "off, 0")
      await page.locator(".slot-picture").nth(1).dragTo(page.locator(".slot-picture").nth(0))
      await page.waitForFunction(
        () => document.querySelector<HTMLInputElement>(".slot .slot-number")?.value === "2",
      )
      await page.getByLabel("Remove reference 3", { exact: true }).first().click()
      await make(page, "by every way", { count: 1 })
      const [job] = await jobsOf(studio)
      assert.deepEqual(
        job!.request.references.map((r) => r.weight),
        [2],
      )
      await close()
    })

    test("model, shape, sliders, steps, guidance, fine creativity and words to avoid reach the server", async () => {
      const second: ModelInfo = {
        ...testModel,
        name: "large",
        title: "Test Large",
        variant: "large",
        aliases: [],
      }
      await using studio = await openStudio({ engine: { models: [testModel, second] } })
      const { page, close } = await openPage(browser(), studio)
      await promptOf(page).waitFor()
      await page.getByRole("button", { name: /^Shape/ }).click()
      await page.getByRole("radio", { name: /^16:9/ }).check()
      await page.keyboard.press("Escape")
      await page.getByRole("button", { name: "Model: Medium" }).click()
      await page
        .getByRole("dialog", { name: "Model" })
        .getByRole("button", { name: /^Large/ })
        .click()
      await page.keyboard.press("Escape")
      await page.getByRole("button", { name: "Model: Large" }).waitFor()
      await page.getByRole("button", { name: "More settings" }).click()
      const more = page.getByRole("dialog", { name: "More" })
      await more.getByRole("slider", { name: "Intensity" }).fill("40")
      await more.getByRole("slider", { name: "Complexity" }).fill("-25")
      await more.getByRole("slider", { name: "Movement" }).fill("10")
      await more.getByLabel("Steer away from words").fill("fog")
      // From the default up; and what was typed counts, however the field is left.
      await more.getByLabel("Guidance").press("ArrowUp")
      assert.equal(await more.getByLabel("Guidance").inputValue(), "3.1")
      await more.getByLabel("Guidance").fill("4.5")
      await more.getByLabel("Steps").fill("7")
      await page.keyboard.press("Escape")
      await page.getByRole("button", { name: "Set creativity finely" }).click()
      const fine = page.getByRole("dialog", { name: "Creativity" })
      await fine.getByText("Exactly your words, nothing added.").waitFor()
      await fine.getByRole("slider").fill("37")
      await page.keyboard.press("Escape")
      await make(page, "everything set", { count: 3 })
      const [job] = await jobsOf(studio)
      const { request: r } = job!
      assert.deepEqual(
        [r.model, r.width, r.height, r.creativity, r.intensity, r.complexity, r.movement],
        ["large", 1376, 768, 37, 40, -25, 10],
      )
      assert.deepEqual([r.steps, r.guidance, r.negativePrompt, r.count], [7, 4.5, "fog", 3])
      await page.locator(".take-facts").getByText("creativity low 37", { exact: true }).waitFor()
      // And history can be asked for that model alone.
      await page.getByRole("button", { name: "Filters" }).click()
      const filters = page.getByRole("dialog", { name: "Filters" })
      await filters.getByLabel("Model").selectOption("medium")
      await page.getByText("Nothing matches").waitFor()
      await filters.getByLabel("Model").selectOption("large")
      await page.getByRole("heading", { level: 2, name: "everything set" }).waitFor()
      await page.keyboard.press("Escape")
      // With a choice of models and a locked seed too, what makes pictures stands beside the settings.
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.getByRole("button", { name: "Lock the seed" }).click()
      const middle = async (name: string): Promise<number> => {
        const { y, height } = (await page.getByRole("button", { name, exact: true }).boundingBox())!
        return y + height / 2
      }
      assert.ok(Math.abs((await middle("Generate")) - (await middle("More settings"))) < 2)
      // In two rows where they are narrow, with nothing alone in one of them.
      await page.setViewportSize({ width: 780, height: 800 })
      assert.ok(Math.abs((await middle("Generate")) - (await middle("Moodboard"))) < 2)
      await close()
    })

    test("alternatives in a prompt are counted, each picture reads its own, and what is reused reads the same", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await promptOf(page).fill("a {red|blue} kite")
      await page.getByText("2 wordings, by turns").waitFor()
      await make(page, "a {red|blue} kite", { count: 2 })
      await page.getByRole("button", { name: /^a red kite/ }).waitFor()
      await page.getByRole("button", { name: /^a blue kite/ }).waitFor()
      const [job] = await jobsOf(studio)
      assert.equal(job!.request.alternatives, true)
      const loras = [
        { name: "ink", weight: 0.5 },
        { name: "paper", weight: 1 },
      ]
      // A prompt of another client, whose braces were no choice, is brought back as one that reads the same.
      await fetch(`${studio.url}/api/jobs?wait=30`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt: "a {green|grey} kite", count: 1, negativePrompt: "rain", loras }),
      })
      await page.getByRole("button", { name: /^a \{green\|grey\} kite/ }).waitFor()
      await page.locator("[data-newest]").getByRole("button", { name: "Use all" }).click()
      assert.equal(await promptOf(page).inputValue(), "a \\{green\\|grey\\} kite")
      // And with its adapters, which can be taken away.
      await page.getByRole("button", { name: "More settings" }).filter({ hasText: "3" }).click()
      await page.getByRole("button", { name: "Remove the LoRA ink" }).click()
      await page.keyboard.press("Escape")
      await make(page, "a \\{green\\|grey\\} kite")
      assert.deepEqual((await jobsOf(studio))[0]!.request.loras, loras.slice(1))
      await page.locator("[data-newest] .tile-open").first().click()
      const facts = page.locator(".inspector .facts")
      await facts.getByText("paper · 1").waitFor()
      await facts.getByText("rain").waitFor()
      await close()
    })

    test("the starters with a reference and with a start image are requests that run", async () => {
      await using studio = await openStudio()
      const { page, context, close } = await openPage(browser(), studio)
      await context.grantPermissions(["clipboard-read", "clipboard-write"])
      await page.getByRole("button", { name: "Words and a reference: As curl" }).click()
      await page.getByText("Copied").waitFor()
      assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl -s .*"references":\[/s)
      await page.getByRole("button", { name: "Words and a reference: Make it" }).click()
      await page.locator("[data-newest] .tile-open img").first().waitFor()
      const [first] = await jobsOf(studio)
      assert.equal(first!.request.references.length, 1)
      await close()
      await using other = await openStudio()
      const again = await openPage(browser(), other)
      await again.page.getByRole("button", { name: "A start image: Make it" }).click()
      await again.page.locator("[data-newest] .tile-open img").first().waitFor()
      const [second] = await jobsOf(other)
      assert.equal(second!.request.start?.strength, 0.8)
      await again.page.locator("[data-newest] .tile-open").first().click()
      await again.page.getByText(/^Nothing was made from it yet/).waitFor()
      await again.close()
    })

    test("five things that a designer looks for take at most two actions each", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "yesterday's look", { count: 1 })
      await page.reload()
      await page.locator(".tile-open img").waitFor()
      // No action: the prompt has the keyboard when the page opens.
      assert.equal(await page.evaluate(() => document.activeElement?.id), "prompt")
      // One: another level of creativity.
      await page.getByRole("radio", { name: "High" }).check()
      assert.ok(await page.getByRole("radio", { name: "High" }).isChecked())
      // One: the seed is locked.
      await page.getByRole("button", { name: "Lock the seed" }).click()
      await page.getByLabel("Seed number").waitFor()
      // Two: a picture becomes a reference, and is pushed away.
      await page.locator(".tile-open").hover()
      await page.keyboard.press("Escape")
      await page.locator(".tile").getByRole("button", { name: "Use as reference" }).click()
      await page.getByLabel("Reference 1: from away to towards").fill("-1")
      await page.getByText("away", { exact: true }).waitFor()
      // One: an earlier look is back, with everything that made it.
      await page.getByRole("button", { name: "Use all" }).first().click()
      assert.equal(await promptOf(page).inputValue(), "yesterday's look")
      assert.ok(await page.getByRole("radio", { name: "Medium" }).isChecked())
      await close()
    })
  })
}
