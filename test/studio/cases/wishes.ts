// What the page owes its reader: no motion where none is wanted, the reader's language, the machine's memory.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import { replaced, Unusable } from "../../../src/controls/creativity/fault.ts"
import { expandPrompt } from "../../../src/controls/creativity/index.ts"
import { jobsOf, make, openPage, openStudio, promptOf } from "../support.ts"

/** The longest animation or transition of anything on the page, in milliseconds. */
const longestMotion = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const times = (list: string): number[] => list.split(", ").map((t) => Number.parseFloat(t) * 1000)
    return Math.max(
      ...[...document.querySelectorAll("*")].flatMap((element) => {
        const style = getComputedStyle(element)
        return [...times(style.animationDuration), ...times(style.transitionDuration)]
      }),
    )
  })

export const wishes = (browser: () => Browser): void => {
  describe("the reader's wishes", () => {
    test("reduced motion stops what moves: a take in the making, panels, buttons", async () => {
      const gate = Promise.withResolvers<void>()
      await using studio = await openStudio({
        engine: { beforeStep: (_, step) => (step === 3 ? gate.promise : undefined) },
      })
      const { page, close } = await openPage(browser(), studio, { reducedMotion: "no-preference" })
      await promptOf(page).fill("in the making")
      await page.keyboard.press("Enter")
      await page.getByText("step 2 of 4").waitFor()
      await page.getByRole("button", { name: /^Queue/ }).click()
      await page.getByRole("button", { name: "Close the queue" }).waitFor()
      assert.ok((await longestMotion(page)) >= 100)
      await page.emulateMedia({ reducedMotion: "reduce" })
      assert.ok((await longestMotion(page)) < 1)
      // What ran when the wish came has a last moment of its own.
      await page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== "running"))
      // Enter has begun it, and Escape in the same place stops it.
      await page.getByRole("button", { name: "Close the queue" }).click()
      await promptOf(page).focus()
      await page.keyboard.press("Escape")
      await page.locator(".broken").getByText("cancelled").waitFor()
      gate.resolve()
      await close()
    })

    test("two tabs share their settings, neither puts its old ones back, and each keeps its own prompt", async () => {
      await using studio = await openStudio()
      const { page: one, context, close } = await openPage(browser(), studio)
      const two = await context.newPage()
      await two.goto(studio.url)
      await promptOf(two).waitFor()
      const press = async (page: Page, key: string): Promise<void> => {
        await promptOf(page).waitFor()
        await page.evaluate(() => (document.activeElement as HTMLElement).blur())
        await page.keyboard.press(key)
      }
      await press(one, "t")
      await two.waitForFunction(() => document.documentElement.dataset.theme === "dark")
      await press(two, "i")
      await promptOf(two).fill("the second one's words")
      await promptOf(one).fill("the first one's words")
      await two.reload()
      await two.waitForFunction(() => document.documentElement.dataset.theme === "dark")
      await promptOf(two).and(two.getByText("the second one's words")).waitFor()
      await close()
    })

    test("a reader of French or German learns why the starters are in English; an English one is not told", async () => {
      await using studio = await openStudio()
      for (const [locale, line] of [
        ["fr-FR", "Le modèle lit l’anglais"],
        ["de-DE", "Das Modell liest Englisch"],
        ["en-GB", null],
      ] as const) {
        const { page, close } = await openPage(browser(), studio, { locale })
        await page.locator(".starter").first().waitFor()
        assert.equal(
          (await page.locator(".empty").innerText()).includes(line ?? "English"),
          line !== null,
          locale,
        )
        await close()
      }
    })

    test("numbers are written and notes are said in the reader's language, and what an earlier version kept as it was said", async () => {
      const [unread] = expandPrompt({ prompt: "ein Fuchs im Schnee", creativity: 50, seed: 1 }).notes!
      const late = replaced("localhost:11434", new Unusable({ reason: "timeout", seconds: 20 }))
      await using studio = await openStudio({ engine: { notes: [unread!, late] } })
      const start = { image: "00000000-0000-4000-8000-000000000000", thumb: "", strength: 0.65 }
      const { page, close } = await openPage(browser(), studio, { locale: "de-DE", draft: { start } })
      assert.equal(await page.getByLabel("Stärke", { exact: true }).inputValue(), "0,65")
      await page.getByRole("button", { name: "Startbild entfernen" }).click()
      const notes = async (): Promise<string[]> => {
        await page.locator(".tile-open").first().click()
        await page.locator(".inspector .note").first().waitFor()
        return page.locator(".inspector .note").allTextContents()
      }
      await make(page, "ein Fuchs im Schnee")
      assert.deepEqual(await notes(), [
        "Der Prompt ließ sich nicht als Englisch lesen; ihm wurde nichts hinzugefügt.",
        "Die Prompt-Erweiterung auf localhost:11434 wurde nicht genutzt: Innerhalb von 20 s kam keine Antwort. Die eingebaute ist eingesprungen.",
      ])
      const [job] = await jobsOf(studio)
      assert.deepEqual(job!.notes, [unread, late])
      await studio.running.service.store.db.query(
        "update jobs set outcome = jsonb_set(outcome, '{notes}', $2::text::jsonb) where id = $1",
        [job!.id, JSON.stringify([unread!.message])],
      )
      await page.reload()
      assert.deepEqual(await notes(), [unread!.message])
      assert.equal(await page.locator(".inspector .note").getAttribute("lang"), "en")
      // The longest word for a reference's side has room.
      await page.keyboard.press("r")
      await page.keyboard.press("Escape")
      await page.getByLabel("Referenz 1: genaues Gewicht").fill("−1,25")
      await page.keyboard.press("Enter")
      const side = page.locator(".slot .cut").filter({ hasText: "weg von" })
      assert.ok(await side.evaluate((e) => e.scrollWidth <= e.clientWidth))
      await page.getByRole("button", { name: "Raster" }).click()
      await page.getByLabel("Spalten", { exact: true }).selectOption("guidance")
      const values = page.getByLabel("Spalten: Werte")
      assert.equal(await values.inputValue(), "0; 1,5; 3; 5")
      await values.fill("0,5, 1,5")
      await page.getByText("0,5 kann eine Zahl sein oder zwei.").waitFor()
      await close()
    })

    test("a history that cannot be had is told of in the reader's language, with what the server said; a sign-in too", async () => {
      await using studio = await openStudio()
      await studio.running.service.store.db.script("alter table jobs rename column deleted_at to away")
      const { page, close } = await openPage(browser(), studio, { locale: "fr-FR" })
      const told = page.getByRole("alert")
      await told.getByText("Quelque chose a échoué sur le serveur.").waitFor()
      await told.locator("[lang=en]").waitFor()
      await close()
      await using locked = await openStudio({ serve: { requireKey: true } })
      const door = await openPage(browser(), locked, { locale: "fr-FR" })
      await door.page.getByLabel("Clé d’API").fill("atl_any")
      await locked.running.service.store.db.script("alter table keys rename to away")
      await door.page.keyboard.press("Enter")
      await door.page.getByText("Quelque chose a échoué sur le serveur.").waitFor()
      await door.close()
    })

    test("the bar tells the model and the memory that the server holds", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await make(page, "weighed", { count: 1 })
      const { used, total } = (await (await fetch(`${studio.url}/api/memory`)).json()) as {
        used: number
        total: number
      }
      assert.ok(used > 20e6 && used < total)
      const said = await page.locator(".bar-model .value").innerText()
      const [, shownUsed, shownTotal] = /^([\d.]+)\/(\d+) GB$/.exec(said)!
      assert.equal(Number(shownTotal), Math.round(total / 1e9))
      assert.ok(Math.abs(Number(shownUsed) - used / 1e9) < 0.5, said)
      await close()
    })
  })
}
