// Waiting, cancelling, reordering, and a server that goes away and comes back.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { AtelierError } from "../../../src/request/index.ts"
import type { Queue } from "../../../studio/src/api/types.ts"
import { jobsOf, make, openPage, openStudio, promptOf } from "../support.ts"

export const queueing = (browser: () => Browser): void => {
  describe("the queue", () => {
    test("a running take is cancelled from its row and can be tried again", async () => {
      const gate = Promise.withResolvers<void>()
      await using studio = await openStudio({
        engine: { beforeStep: (_, step) => (step === 3 ? gate.promise : undefined) },
      })
      const { page, close } = await openPage(browser(), studio)
      await promptOf(page).fill("a long one")
      await page.keyboard.press("Enter")
      await page.getByText("step 2 of 4").waitFor()
      // A wall shows it too, and where it would be empty stands what there is to say.
      const wall = page.getByTestId("wall")
      const turn = async (): Promise<void> => {
        await page.evaluate(() => (document.activeElement as HTMLElement).blur())
        await page.keyboard.press("w")
      }
      await turn()
      await wall.getByText("2/4").nth(3).waitFor()
      await turn()
      await page.getByRole("button", { name: "Cancel", exact: true }).click()
      await page.locator(".broken").getByText("cancelled").waitFor()
      gate.resolve()
      await turn()
      await page.getByRole("button", { name: "Retry" }).click()
      await wall.locator(".tile-open img").first().waitFor()
      await close()
    })

    test("pause lets what runs finish and starts nothing new; one waiting take is cancelled from the list", async () => {
      const gate = Promise.withResolvers<void>()
      await using studio = await openStudio({
        engine: {
          beforeStep: ({ prompt }, step) => (prompt === "runs" && step === 3 ? gate.promise : undefined),
        },
        serve: { localLimits: { concurrency: 1 } },
      })
      const { page, close } = await openPage(browser(), studio)
      for (const word of ["runs", "waits", "goes"]) {
        await promptOf(page).fill(word)
        await page.keyboard.press("Enter")
        await page.getByRole("heading", { level: 2, name: word }).waitFor()
      }
      await page.getByText("step 2 of 4").waitFor()
      await page.getByRole("button", { name: /^Queue/ }).click()
      await page.getByRole("button", { name: "Pause after current" }).click()
      await page.getByRole("button", { name: "Go on" }).waitFor()
      const rows = page.getByTestId("waiting").getByRole("listitem")
      await rows.filter({ hasText: "goes" }).getByRole("button", { name: "Cancel" }).click()
      await rows.filter({ hasText: "goes" }).waitFor({ state: "detached" })
      gate.resolve()
      await page.locator('.take[data-state="completed"]').waitFor()
      const states = (await jobsOf(studio)).map((j) => [j.request.prompt, j.state])
      assert.deepEqual(states[0], ["goes", "cancelled"])
      assert.deepEqual(states[2], ["runs", "completed"])
      assert.match(states[1]!.join(" "), /^waits (queued|backlogged)$/)
      await page.getByRole("button", { name: "Go on" }).click()
      await page.locator('.take[data-state="completed"]').nth(1).waitFor()
      await close()
    })

    test("what was loaded can be looked at while the server is away, and the rest comes when it is back", async () => {
      // Larger than the tile asks for: the picture itself is not there yet.
      await using studio = await openStudio({ engine: { side: 1072 } })
      const { page, close } = await openPage(browser(), studio)
      await make(page, "already here", { count: 1 })
      // The surfaces have come by themselves.
      await page.waitForFunction(() =>
        performance.getEntriesByType("resource").some((r) => r.name.includes("/Look-") && r.duration > 0),
      )
      await studio.crash()
      await page.getByText("Reconnecting to the server").waitFor()
      await page.locator(".tile-open").click()
      const look = page.getByRole("dialog", { name: "Look" })
      await look.getByRole("img", { name: "could not be loaded" }).waitFor()
      await page.keyboard.press("Escape")
      await look.waitFor({ state: "detached" })
      // What was not loaded does not pretend to be empty.
      await page.keyboard.press("b")
      await page.getByText("Your moodboards could not be loaded.").waitFor()
      await page.keyboard.press("Escape")
      await page.locator(".tile-open").click()
      await look.getByRole("img", { name: "could not be loaded" }).waitFor()
      await studio.start()
      await page.getByText("Reconnecting to the server").waitFor({ state: "detached" })
      await page.waitForFunction(
        () => (document.querySelector<HTMLImageElement>(".look-picture img")?.naturalWidth ?? 0) > 0,
      )
      await close()
    })

    test("a failed take gives its reason in a sentence, in the page's language above what the server said", async () => {
      const reason = "The picture needs 9 GB and 8 GB are free."
      const said = `Failed after 2 tries: ${reason}`
      await using studio = await openStudio({
        engine: {
          beforeStep: (_, step) => {
            if (step === 2) throw new AtelierError("out_of_memory", reason)
          },
        },
      })
      for (const [locale, sentences, spoken] of [
        ["en-GB", [said], `Take failed: ${said}`],
        ["de-DE", ["Der Arbeitsspeicher reicht dafür nicht.", said], "Versuch fehlgeschlagen: Der Arbeits"],
      ] as const) {
        const { page, close } = await openPage(browser(), studio, { locale })
        await promptOf(page).fill(`too large ${locale}`)
        await page.keyboard.press("Enter")
        await page.getByTestId("spoken").filter({ hasText: spoken }).waitFor({ state: "attached" })
        const lines = page.locator(".take").filter({ hasText: locale }).locator(".broken p")
        await lines.filter({ hasText: said }).waitFor()
        assert.deepEqual(await lines.allTextContents(), sentences)
        await close()
      }
    })

    test("what the server refuses is said in the page's language too", async () => {
      await using studio = await openStudio({ serve: { queueCap: 1 } })
      await fetch(`${studio.url}/api/queue/pause`, { method: "POST" })
      const { page, close } = await openPage(browser(), studio, { locale: "de-DE" })
      await promptOf(page).fill("waits")
      await page.keyboard.press("Enter")
      await page.getByRole("heading", { level: 2, name: "waits" }).waitFor()
      await page.keyboard.press("Enter")
      const refusal = page.getByRole("alert").filter({ hasText: "Der Server nimmt gerade nichts mehr an." })
      await refusal.getByText("The queue is full.").waitFor()
      await close()
    })

    test("waiting takes are paused, moved by buttons and by drag, and cancelled together", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await promptOf(page).waitFor()
      await page.getByRole("button", { name: /^Queue/ }).click()
      await page.getByRole("button", { name: "Pause after current" }).click()
      await page.getByRole("button", { name: "Go on" }).waitFor()
      await page.getByRole("button", { name: "Close the queue" }).click()
      for (const word of ["one", "two", "three"]) {
        await promptOf(page).fill(word)
        await page.keyboard.press("Enter")
        await page.getByRole("heading", { level: 2, name: word }).waitFor()
      }
      await page.getByText(/place 3/).waitFor()
      await page.getByRole("button", { name: /^Queue/ }).click()
      const rows = page.getByTestId("waiting").getByRole("listitem")
      const order = (): Promise<string[]> => page.locator(".queue-row .queue-prompt").allInnerTexts()
      await rows.nth(2).getByRole("button", { name: "Move to the front" }).click()
      await rows.nth(0).getByText("three").waitFor()
      // Heard while the panel is open, which silences all that it covers.
      await page.getByRole("status").filter({ hasText: "Moved to place 1" }).waitFor({ state: "attached" })
      await rows.nth(0).getByRole("button", { name: "Move down" }).click()
      await rows.nth(0).getByText("one").waitFor()
      await rows.nth(2).dragTo(rows.nth(0))
      await rows.nth(0).getByText("two").waitFor()
      const queue = (await (await fetch(`${studio.url}/api/queue`)).json()) as {
        waiting: { job: { request: { prompt: string } } }[]
      }
      assert.deepEqual(
        queue.waiting.map((w) => w.job.request.prompt),
        await order(),
      )
      assert.deepEqual(await order(), ["two", "one", "three"])
      await page.getByRole("button", { name: "Cancel all" }).click()
      await page.getByText("3 takes cancelled").waitFor()
      await close()
    })

    test("a take in the background lets a later one pass, and comes back to its place", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await fetch(`${studio.url}/api/queue/pause`, { method: "POST" })
      for (const word of ["patient", "urgent"]) {
        await promptOf(page).fill(word)
        await page.keyboard.press("Enter")
        await page.getByRole("heading", { level: 2, name: word }).waitFor()
      }
      await page.getByRole("button", { name: /^Queue/ }).click()
      const [front, back] = ["waiting", "background"].map((id) => page.getByTestId(id).getByRole("listitem"))
      await front!
        .filter({ hasText: "patient" })
        .getByRole("button", { name: "Move to the background" })
        .click()
      await back!.filter({ hasText: "patient" }).waitFor()
      const order = async (): Promise<[string, number][]> => {
        const { waiting } = (await (await fetch(`${studio.url}/api/queue`)).json()) as Queue
        return waiting.map(({ job }) => [job.request.prompt, job.priority])
      }
      assert.deepEqual(await order(), [
        ["urgent", 0],
        ["patient", -10],
      ])
      // Dropped on the last row, which lies in the background, a take goes there too, behind it.
      await front!.nth(0).dragTo(back!.nth(0))
      await back!.filter({ hasText: "urgent" }).waitFor()
      await page.getByTestId("waiting").waitFor({ state: "detached" })
      assert.deepEqual(await order(), [
        ["patient", -10],
        ["urgent", -10],
      ])
      await back!.filter({ hasText: "urgent" }).getByRole("button", { name: "Back from" }).click()
      await front!.filter({ hasText: "urgent" }).waitFor()
      assert.deepEqual(await order(), [
        ["urgent", 0],
        ["patient", -10],
      ])
      await close()
    })

    test("a server that restarts in mid-generation goes on, and the page follows without a reload", async () => {
      const seen: number[] = []
      let hold = true
      await using studio = await openStudio({
        engine: {
          beforeStep: async (_, step) => {
            seen.push(step)
            if (hold && step === 3) await new Promise(() => {})
          },
        },
      })
      const { page, close } = await openPage(browser(), studio)
      await page.evaluate(() => Object.assign(window, { isSame: true }))
      await promptOf(page).fill("interrupted")
      await page.keyboard.press("Enter")
      await page.getByText("step 2 of 4").waitFor()
      const [before] = await jobsOf(studio)
      hold = false
      await studio.crash()
      await page.getByText("Reconnecting to the server").waitFor()
      assert.ok(await page.getByRole("button", { name: "Waiting for the server" }).isDisabled())
      await studio.start()
      await page.locator(".tile-open img").first().waitFor()
      await page.getByText("Reconnecting to the server").waitFor({ state: "detached" })
      const [after] = await jobsOf(studio)
      assert.equal(after!.id, before!.id)
      assert.equal(after!.request.seed, before!.request.seed)
      assert.ok(await page.evaluate(() => (window as { isSame?: boolean }).isSame))
      // Nothing is missed: a take made by somebody else appears too.
      await fetch(`${studio.url}/api/jobs`, {
        method: "POST",
        body: JSON.stringify({ prompt: "from elsewhere" }),
      })
      await page.getByRole("heading", { level: 2, name: "from elsewhere" }).waitFor()
      await close()
    })
  })
}
