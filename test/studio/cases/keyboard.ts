// Keys alone, the palette, other keys, other languages, the phone.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { de } from "../../../studio/src/messages/de.ts"
import { en } from "../../../studio/src/messages/en.ts"
import { fr } from "../../../studio/src/messages/fr.ts"
import { jobsOf, make, openPage, openStudio, promptOf } from "../support.ts"

export const keyboard = (browser: () => Browser): void => {
  describe("keys, languages, phone", () => {
    test("everything is done with the keyboard alone", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await promptOf(page).waitFor()
      // The prompt has the keyboard when the page opens.
      await page.keyboard.type("typed by hand")
      await page.keyboard.press("Control+Enter")
      await page.locator(".tile-open img").nth(3).waitFor()
      await page.locator(".tile-open").first().focus()
      await page.keyboard.press("ArrowRight")
      await page.keyboard.press("f")
      await page.locator(".tile").nth(1).locator(".tile-star").waitFor()
      await page.keyboard.press("Enter")
      await page.getByRole("dialog", { name: "Look" }).waitFor()
      await page.keyboard.press("ArrowRight")
      await page.keyboard.press("Escape")
      await page.getByRole("dialog", { name: "Look" }).waitFor({ state: "detached" })
      // The keyboard is where the eye was last.
      const [job] = await jobsOf(studio)
      await page.waitForFunction(
        (id) => document.activeElement?.getAttribute("data-picture") === id,
        job!.pictures[2]!.id,
      )
      await page.keyboard.press("s")
      await page.getByLabel("Seed number").waitFor()
      await page.keyboard.press("Control+k")
      await page.keyboard.type("light or")
      await page.keyboard.press("Enter")
      await page.waitForFunction(() => document.documentElement.dataset.theme === "dark")
      await page.keyboard.press("?")
      await page.getByRole("dialog", { name: "Keyboard" }).waitFor()
      await close()
    })

    test("an input method keeps its keys, a held key acts once, and letters count by their place on other keyboards", async () => {
      await using studio = await openStudio()
      const { page, context, close } = await openPage(browser(), studio, { isOwn: true })
      const system = await context.newCDPSession(page)
      const compose = (text: string): Promise<unknown> =>
        system.send("Input.imeSetComposition", {
          text,
          selectionStart: text.length,
          selectionEnd: text.length,
        })
      const taken = (key: string): Promise<unknown> =>
        system.send("Input.dispatchKeyEvent", {
          type: "rawKeyDown",
          key,
          code: key,
          windowsVirtualKeyCode: 229,
        })
      await promptOf(page).fill("")
      await compose("ねこ")
      await taken("Enter")
      await taken("Escape")
      await system.send("Input.insertText", { text: "猫" })
      assert.equal(await promptOf(page).inputValue(), "猫")
      await page.keyboard.press("Control+k")
      await compose("light")
      await taken("Enter")
      await taken("Escape")
      await page.getByRole("dialog", { name: "Commands" }).waitFor()
      await system.send("Input.insertText", { text: "light or" })
      await page.keyboard.press("Escape")
      await page.getByRole("dialog", { name: "Commands" }).waitFor({ state: "detached" })
      assert.deepEqual(await jobsOf(studio), [])
      // Right to left where the words are.
      await promptOf(page).fill("חתול בשלג")
      assert.equal(await promptOf(page).evaluate((field) => getComputedStyle(field).direction), "rtl")
      for (const _ of [1, 2, 3]) await page.keyboard.down("Enter")
      await page.keyboard.up("Enter")
      await page.locator(".tile-open img").nth(3).waitFor()
      assert.equal((await jobsOf(studio)).length, 1)
      await page.locator(".tile-open").first().focus()
      // The browser's own, not the page's.
      await page.keyboard.press("Alt+s")
      await page.getByRole("button", { name: "Lock the seed" }).waitFor()
      await system.send("Input.dispatchKeyEvent", { type: "keyDown", key: "ы", code: "KeyS", text: "ы" })
      await page.getByLabel("Seed number").waitFor()
      await close()
    })

    test("keys can be given to other actions, and a taken key is refused", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio)
      await promptOf(page).waitFor()
      await page.evaluate(() => (document.activeElement as HTMLElement).blur())
      await page.keyboard.press("?")
      await page.getByRole("button", { name: /^Queue: Q/ }).click()
      await page.keyboard.press("s")
      await page.getByText("S already means").waitFor()
      await page.getByRole("button", { name: /^Queue: Q/ }).click()
      await page.keyboard.press("y")
      await page.getByRole("button", { name: /^Queue: Y/ }).waitFor()
      await page.keyboard.press("Escape")
      await page.getByRole("dialog").waitFor({ state: "detached" })
      await page.keyboard.press("y")
      await page.getByRole("dialog", { name: "Queue" }).waitFor()
      await close()
    })

    test("the page speaks the browser's language, or the one that was chosen", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio, { locale: "de-AT" })
      await page.getByRole("button", { name: "Erzeugen" }).waitFor()
      await page.getByRole("button", { name: "Ansicht" }).click()
      await page.getByLabel("Sprache").selectOption("fr")
      await page.getByLabel("Langue").waitFor()
      assert.equal(await page.evaluate(() => document.documentElement.lang), "fr")
      // Its words are long: on a tablet too, what makes pictures is in sight.
      await page.keyboard.press("Escape")
      await page.getByRole("button", { name: fr.seed.lock }).click()
      for (const width of [768, 820, 1024]) {
        await page.setViewportSize({ width, height: 1024 })
        const box = (await page.getByRole("button", { name: fr.dock.generate, exact: true }).boundingBox())!
        assert.ok(box.x > 0 && box.x + box.width < width, `${width}: ${box.x} and ${box.width} more`)
      }
      await close()
    })

    test("no sentence of a language was left in English", () => {
      const flat = (value: object, path = ""): [string, string][] =>
        Object.entries(value).flatMap(([name, v]): [string, string][] =>
          typeof v === "string"
            ? [[`${path}${name}`, v]]
            : typeof v === "function"
              ? [[`${path}${name}`, String((v as (...all: unknown[]) => string)(3, 4, 5))]]
              : flat((v as object | null) ?? {}, `${path}${name}.`),
        )
      const english = new Map(flat(en))
      for (const catalogue of [de, fr]) {
        // The starters' prompts stay: the embedded model was taught English words.
        const sentences = flat(catalogue).filter(([path]) => !/^empty\.\w+Prompt$/.test(path))
        // Single words are often the same; a sentence never is.
        const same = sentences.filter(
          ([path, text]) => text === english.get(path) && (text.match(/\p{L}{2,}/gu) ?? []).length > 2,
        )
        assert.deepEqual(same, [], catalogue.language)
      }
    })

    test("on a phone the dock folds, nothing spills sideways, and a swipe turns the page", async () => {
      await using studio = await openStudio()
      const { page, close } = await openPage(browser(), studio, {
        viewport: { width: 390, height: 844 },
        hasTouch: true,
        isMobile: true,
      })
      await make(page, "in the hand")
      assert.ok(await page.getByRole("radio", { name: "High" }).isHidden())
      await page.getByRole("button", { name: "All settings" }).tap()
      await page.getByRole("radio", { name: "High" }).check()
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
      await page.getByRole("button", { name: "Close settings" }).tap()
      // What a menu opens stands alone: the menu has gone.
      await page.getByRole("button", { name: "View settings" }).tap()
      await page.getByRole("button", { name: "Keyboard shortcuts" }).tap()
      const help = page.getByRole("dialog", { name: "Keyboard" })
      await help.waitFor()
      await page.locator(".popover").waitFor({ state: "detached" })
      await help.getByRole("button", { name: "Close", exact: true }).tap()
      await help.waitFor({ state: "detached" })
      await page.locator(".tile-open").first().tap()
      const shown = (): Promise<string | null> => page.locator(".look-picture img").getAttribute("src")
      const picture = page.locator(".look-picture")
      const swipe = async (): Promise<void> => {
        const finger = { pointerType: "touch", isPrimary: true, clientY: 300 }
        await picture.dispatchEvent("pointerdown", { ...finger, clientX: 300 })
        await picture.dispatchEvent("pointerup", { ...finger, clientX: 100 })
      }
      const first = await shown()
      // Larger than the screen, the picture is what a finger moves.
      await page.getByRole("button", { name: "Actual pixels" }).tap()
      assert.equal(await picture.evaluate((box) => getComputedStyle(box).touchAction), "auto")
      await swipe()
      assert.equal(await shown(), first)
      await page.getByRole("button", { name: "Fit", exact: true }).tap()
      await swipe()
      await page.waitForFunction(
        (old) => document.querySelector(".look-picture img")?.getAttribute("src") !== old,
        first,
      )
      // On a tablet a finger finds what a pointer would have to be over to see.
      await page.locator(".look-bar").getByRole("button", { name: "Picture actions" }).tap()
      await page.getByRole("menuitem", { name: "Use as reference" }).tap()
      await page.locator(".look-bar").getByRole("button", { name: "Close", exact: true }).tap()
      await page.setViewportSize({ width: 1024, height: 768 })
      const remove = page.getByRole("button", { name: "Remove reference 1", exact: true })
      assert.equal(await remove.evaluate((cross) => getComputedStyle(cross).opacity), "1")
      // Where the window is low, the dock stays within it and scrolls.
      await page.setViewportSize({ width: 640, height: 320 })
      await page.getByRole("button", { name: "All settings" }).tap()
      await page.getByRole("button", { name: "Lock the seed" }).scrollIntoViewIfNeeded()
      const { y, height } = (await page.locator(".dock").boundingBox())!
      assert.ok(y >= 0 && y + height <= 320, `${y} and ${height} more`)
      await close()
    })
  })
}
