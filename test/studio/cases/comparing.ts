// Looking and comparing: inspector, compare three ways, grid, boards, the same seed without references.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { AtelierError } from "../../../src/request/index.ts"
import { jobsOf, make, openPage, openStudio, promptOf, QUICK } from "../support.ts"

export const comparing = (browser: () => Browser): void => {
  describe("looking and comparing", () => {
    test("two pictures are compared side by side, under a divider and by their difference", async () => {
      await using studio = await openStudio({ real: true })
      const { page, close } = await openPage(browser(), studio, { draft: QUICK })
      await make(page, "a fox in the snow", { count: 2 })
      for (const i of [0, 1]) {
        await page.locator(".tile-open").nth(i).focus()
        await page.keyboard.press("c")
      }
      const dialog = page.getByRole("dialog", { name: "Compare" })
      await dialog.getByRole("img").nth(1).waitFor()
      assert.equal(await dialog.getByRole("img").count(), 2)
      assert.equal(await page.getByText("Chosen for comparison").count(), 0)
      await dialog.getByRole("radio", { name: "Slider" }).check()
      const divider = dialog.getByLabel("Divider between the two pictures")
      await divider.focus()
      await page.keyboard.press("ArrowRight")
      assert.equal(await divider.getAttribute("aria-valuetext"), "51 % of A")
      await dialog.getByRole("radio", { name: "Difference" }).check()
      await dialog.getByRole("rowheader", { name: "seed" }).waitFor()
      await page.keyboard.press("Escape")
      await dialog.waitFor({ state: "detached" })
      // Deleted elsewhere, they are no longer compared.
      for (const i of [0, 1]) await page.locator(".tile-open").nth(i).press("c")
      await dialog.getByRole("img").nth(1).waitFor()
      const [job] = await jobsOf(studio)
      await fetch(`${studio.url}/api/jobs/${job!.id}`, { method: "DELETE" })
      await dialog.waitFor({ state: "detached" })
      await page.keyboard.press("p")
      await page.waitForFunction(() => document.activeElement?.id === "prompt")
      await close()
    })

    test("the inspector tells the request, downloads three formats and copies it as curl, TypeScript and command line", async () => {
      await using studio = await openStudio()
      const { page, context, close } = await openPage(browser(), studio)
      await context.grantPermissions(["clipboard-read", "clipboard-write"])
      await make(page, "it's a fox", { count: 2 })
      await page.locator(".tile-open").first().click()
      const inspector = page.getByRole("complementary", { name: "Inspector" })
      const [job] = await jobsOf(studio)
      await inspector.getByText(String(job!.pictures[0]!.seed), { exact: true }).waitFor()
      for (const format of ["PNG", "JPG", "WEBP"]) {
        const href = await inspector.getByRole("link", { name: format }).getAttribute("href")
        const answer = await fetch(new URL(href!, studio.url))
        assert.equal(
          answer.headers.get("content-type"),
          `image/${format.toLowerCase().replace("jpg", "jpeg")}`,
        )
        assert.match(answer.headers.get("content-disposition")!, /^attachment/)
      }
      await inspector.getByRole("button", { name: "Copy as curl" }).click()
      const curl = await page.evaluate(() => navigator.clipboard.readText())
      assert.match(curl, /^curl -s '.*\/api\/jobs\?wait=120'/)
      assert.match(curl, /it'\\''s a fox/)
      await inspector.getByRole("radio", { name: "CLI" }).check()
      await inspector.getByText("npx atelier generate").waitFor()
      await inspector.getByRole("radio", { name: "TypeScript" }).check()
      await inspector.getByText("await atelier.generate(").waitFor()
      await inspector.getByText("Full request").click()
      assert.equal(JSON.parse((await inspector.locator("details pre").textContent())!).prompt, "it's a fox")
      await close()
    })

    test("held R shows the same seed without the references, and makes it only once", async () => {
      let isFull = true
      await using studio = await openStudio({
        engine: {
          beforeStep({ prompt, references }) {
            if (isFull && prompt === "with a reference" && references.length === 0)
              throw new AtelierError("out_of_memory", "The picture needs 9 GB and 8 GB are free.")
          },
        },
      })
      const { page, close } = await openPage(browser(), studio)
      await make(page, "plain", { count: 1 })
      await page.locator(".tile-open").first().focus()
      await page.keyboard.press("r")
      await make(page, "with a reference", { count: 1 })
      // Over the takes, and closely. What is made for it is a take of its own.
      const take = page.locator(".take").filter({ hasText: "1 reference" })
      await take.locator(".tile-open").focus()
      await page.keyboard.down("r")
      await take.locator(".tile-word").filter({ hasText: "could not be made" }).waitFor()
      await page.keyboard.up("r")
      // What has failed, or was deleted, is made again.
      isFull = false
      await page.keyboard.down("r")
      await take
        .locator(".tile-word")
        .filter({ hasText: /^Without references$/ })
        .waitFor()
      await page.keyboard.down("Shift")
      await page.keyboard.up("r")
      await page.keyboard.up("Shift")
      await take.locator(".tile-word").waitFor({ state: "detached" })
      await take.locator(".tile-open").click()
      for (let i = 0; i < 2; i++) {
        await page.keyboard.down("r")
        await page.locator(".look-word").filter({ hasText: "Without references" }).waitFor()
        await page.keyboard.up("r")
        await page.locator(".look-word").waitFor({ state: "detached" })
      }
      const jobs = await jobsOf(studio)
      assert.equal(jobs.length, 3)
      assert.deepEqual(jobs[0]!.request.references, [])
      assert.equal(jobs[0]!.request.seed, jobs[1]!.request.seed)
      await fetch(`${studio.url}/api/jobs/${jobs[0]!.id}`, { method: "DELETE" })
      await page.reload()
      await take.locator(".tile-open").click()
      await page.keyboard.down("r")
      await page
        .locator(".look-word")
        .filter({ hasText: /^Without references$/ })
        .waitFor()
      await page.keyboard.up("r")
      assert.equal((await jobsOf(studio)).length, 3)
      // Lineage leads to the picture that was the reference; the command line names it by its address.
      const inspector = page.getByRole("complementary", { name: "Inspector" })
      await inspector.getByRole("radio", { name: "CLI" }).check()
      await inspector.getByText(`--reference '${studio.url}/files/assets/`).waitFor()
      await inspector.getByRole("button", { name: "plain, picture 1" }).click()
      await page.locator(".look-prompt").filter({ hasText: "plain" }).waitFor()
      await close()
    })

    test("what a picture led to is listed, and a new one joins the list while one looks", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "the mother", { count: 2 })
      await page.locator(".tile-open").first().focus()
      await page.keyboard.press("r")
      await make(page, "a daughter", { count: 1 })
      await page.locator(".take").filter({ hasText: "the mother" }).locator(".tile-open").first().click()
      const led = page.locator(".lineage").filter({ hasText: "Led to" })
      await led.getByRole("button", { name: "a daughter, picture 1" }).waitFor()
      const mother = (await jobsOf(studio)).at(-1)!
      const references = [{ image: mother.pictures[0]!.url, weight: 1 }]
      const answer = await fetch(`${studio.url}/api/jobs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt: "another daughter", references }),
      })
      assert.ok(answer.ok, await answer.text())
      await led.getByRole("button", { name: "another daughter, picture 1" }).waitFor()
      assert.equal(await led.getByRole("button").count(), 2)
      // Deleted, it is no longer shown, and no other picture of its take in its place.
      await fetch(`${studio.url}/api/pictures/${mother.pictures[0]!.id}`, {
        method: "PATCH",
        body: JSON.stringify({ deleted: true }),
      })
      await page.getByRole("dialog", { name: "Look" }).waitFor({ state: "detached" })
      await page
        .locator(".take")
        .filter({ hasText: "another daughter" })
        .locator(".tile-open")
        .first()
        .click()
      const from = page.locator(".lineage").filter({ hasText: "Came from" })
      await from.getByRole("img", { name: "Deleted" }).waitFor()
      assert.equal(await from.getByRole("button").count(), 0)
      await close()
    })

    test("one reference held shows the same seed without that one", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "plain", { count: 2 })
      for (const i of [0, 1]) {
        await page.locator(".tile-open").nth(i).focus()
        await page.keyboard.press("r")
        await page.locator(".slot").nth(i).waitFor()
      }
      await make(page, "with two references", { count: 1 })
      await page.locator("[data-newest] .tile-open").click()
      await page.getByRole("button", { name: "Hold: the same seed without reference 2" }).hover()
      await page.mouse.down()
      await page.locator(".look-word").filter({ hasText: "Without reference 2" }).waitFor()
      await page.mouse.up()
      await page.locator(".look-word").waitFor({ state: "detached" })
      const [bare, full] = await jobsOf(studio)
      assert.deepEqual(bare!.request.references, full!.request.references.slice(0, 1))
      assert.equal(bare!.request.seed, full!.request.seed)
      await close()
    })

    test("a grid varies two fields over one seed, with labels", async () => {
      await using studio = await openStudio({ real: true })
      const { page, close } = await openPage(browser(), studio, { draft: QUICK })
      await page.getByRole("button", { name: "Grid" }).click()
      await page.getByText("Write a prompt in the dock first.").waitFor()
      await page.keyboard.press("Escape")
      await promptOf(page).fill("a quiet harbour at dusk")
      await page.getByRole("button", { name: "Grid" }).click()
      await page.getByLabel("Columns: Values").fill("0, 100")
      await page.getByLabel("Rows", { exact: true }).selectOption("seed")
      await page.getByLabel("Rows: Values").fill("7.5")
      await page.getByText("7.5 is not a whole number.").waitFor()
      await page.getByLabel("Rows: Values").fill("7, 8")
      await page.getByRole("button", { name: "Make 4 pictures" }).dblclick()
      await page.locator(".sheet .tile-open").nth(3).waitFor()
      // The arrows belong to the takes: in a sheet the keys mean the picture that has the focus.
      const cell = page.locator(".sheet .tile-open").first()
      await cell.focus()
      await page.keyboard.press("ArrowRight")
      await page.keyboard.press("f")
      await page.locator(".sheet-cell").first().locator(".tile-star").waitFor()
      // Looked at closely, it is left for the grid, where the keyboard is.
      await page.keyboard.press("Enter")
      await page.getByRole("dialog", { name: "Look" }).waitFor()
      await page.keyboard.press("Escape")
      await page.getByRole("dialog", { name: "Look" }).waitFor({ state: "detached" })
      await page.waitForFunction(() => document.activeElement?.closest(".sheet-cell") !== null)
      // Two of its pictures are compared, and there it is again.
      for (const i of [0, 1]) await page.locator(".sheet .tile-open").nth(i).press("c")
      await page.getByRole("dialog", { name: "Compare" }).getByRole("img").nth(1).waitFor()
      await page.keyboard.press("Escape")
      await page.locator(".sheet .tile-open").nth(3).waitFor()
      const jobs = await jobsOf(studio)
      assert.deepEqual(jobs.map((j) => [j.request.creativity, j.request.seed]).toReversed(), [
        [0, 7],
        [100, 7],
        [0, 8],
        [100, 8],
      ])
      await page.reload()
      await page.getByRole("button", { name: "Grid" }).click()
      await page.locator(".sheet .tile-open").nth(3).waitFor()
      await close()
    })

    test("references are saved as a moodboard, used by strength, and shared by code", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "one", { count: 1 })
      await page.locator(".tile-open").first().focus()
      await page.keyboard.press("r")
      await page.getByRole("button", { name: "Moodboard", exact: true }).click()
      await page.getByLabel("Name").fill("Evening")
      await page.getByRole("button", { name: "Save", exact: true }).click()
      await page.getByRole("button", { name: "Use: Evening" }).click()
      const code = (await page.locator(".board code").textContent())!
      await page.getByLabel("Share code").fill(code)
      await page.getByRole("button", { name: "Import", exact: true }).click()
      await page.locator(".board").nth(1).waitFor()
      // As a file, out and in again.
      const board = page.locator(".board").first()
      await board.getByRole("button", { name: "Moodboard: Evening" }).click()
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("menuitem", { name: "Export" }).click(),
      ])
      assert.equal(file.suggestedFilename(), "Evening.board.json")
      const [chooser] = await Promise.all([
        page.waitForEvent("filechooser"),
        page.getByRole("button", { name: "Import a file" }).click(),
      ])
      await chooser.setFiles(await file.path())
      await page.locator(".board").nth(2).waitFor()
      // Deleted and back.
      await board.getByRole("button", { name: "Moodboard: Evening" }).click()
      await page.getByRole("menuitem", { name: "Delete" }).click()
      await page.locator(".board").nth(2).waitFor({ state: "detached" })
      await page.getByRole("button", { name: "Undo" }).click()
      await page.locator(".board").nth(2).waitFor()
      // A name that the server refuses is nobody's. The keyboard stays here: one Escape closes the panel.
      await board.getByRole("button", { name: "Moodboard: Evening" }).click()
      await page.getByRole("menuitem", { name: "Rename" }).click()
      await board.getByRole("textbox", { name: "Name", exact: true }).fill("x".repeat(500))
      await page.keyboard.press("Enter")
      await page.locator('.toast[role="alert"]').waitFor()
      await board.getByText("Evening", { exact: true }).waitFor()
      await page.keyboard.press("Escape")
      await page.getByRole("dialog", { name: "Moodboards" }).waitFor({ state: "detached" })
      await page.getByRole("button", { name: "Moodboard: Evening" }).waitFor()
      await make(page, "with the board", { count: 1 })
      const [job] = await jobsOf(studio)
      assert.equal(job!.request.board?.strength, 0.35)
      // It comes back under its name, also where the dock has none any more and the page has not met it.
      await page.getByRole("button", { name: "Stop using" }).click()
      await page.reload()
      await page.locator("[data-newest]").getByRole("button", { name: "Use all" }).click()
      await page.getByRole("button", { name: "Moodboard: Evening" }).waitFor()
      // What was deleted meanwhile is named, and the dock goes on without it.
      await page.locator("[data-newest] .tile-open").press("r")
      await page.locator(".slot").nth(1).waitFor()
      await fetch(`${studio.url}/api/jobs/${job!.id}`, { method: "DELETE" })
      await fetch(`${studio.url}/api/boards/${job!.request.board!.id}`, { method: "DELETE" })
      await promptOf(page).press("Enter")
      await page.getByText("Reference 2 is no longer there").waitFor()
      await page.locator(".slot[data-failed]").getByText("could not be used").waitFor()
      assert.equal(await page.locator(".slot[data-failed] input").count(), 0)
      await promptOf(page).press("Enter")
      await page.getByText("The moodboard Evening is no longer there").waitFor()
      await make(page, "without either", { count: 1 })
      const [last] = await jobsOf(studio)
      assert.deepEqual([last!.request.board, last!.request.references.length], [null, 1])
      await close()
    })
  })
}
