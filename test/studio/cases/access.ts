// Who may come in, and what the page may load: keys, cookies, the security policy, the size of the first load.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import { gzipSync } from "node:zlib"
import type { Browser } from "playwright-core"
import { addKey, DEFAULT_LIMITS, revokeKey } from "../../../src/store/index.ts"
import { STUDIO_DIST } from "../../../studio/build.ts"
import { ELSEWHERE, make, openPage, openStudio, promptOf } from "../support.ts"

export const access = (browser: () => Browser): void => {
  describe("access", () => {
    test("with keys on, one signs in once; the key stays where scripts cannot read it", async () => {
      await using studio = await openStudio({ serve: { requireKey: true } })
      const { secret } = await addKey(studio.running.service.store.db, "designer", DEFAULT_LIMITS, new Date())
      const { page, context, close } = await openPage(browser(), studio)
      await page.getByLabel("API key").fill("atl_wrong")
      await page.keyboard.press("Enter")
      await page.getByText("does not know this key").waitFor()
      await page.getByLabel("API key").fill(secret)
      await page.keyboard.press("Enter")
      await make(page, "signed in", { count: 1 })
      const [cookie] = await context.cookies()
      assert.ok(cookie!.httpOnly)
      assert.equal(cookie!.sameSite, "Strict")
      const readable = await page.evaluate(
        () => document.cookie + JSON.stringify([localStorage, sessionStorage]),
      )
      assert.ok(!readable.includes(secret))
      await page.reload()
      await page.getByRole("heading", { level: 2, name: "signed in" }).waitFor()
      await page.getByRole("button", { name: "View settings" }).click()
      await page.getByRole("button", { name: "Sign out" }).click()
      await page.getByLabel("API key").waitFor()
      await close()
    })

    test("over plain HTTP from another machine one signs in, makes pictures and copies", async () => {
      await using studio = await openStudio({ serve: { requireKey: true } })
      const { secret } = await addKey(studio.running.service.store.db, "designer", DEFAULT_LIMITS, new Date())
      const url = studio.url.replace(new URL(studio.url).hostname, ELSEWHERE)
      const { page, close } = await openPage(browser(), { url })
      assert.equal(await page.evaluate(() => isSecureContext), false)
      await page.getByLabel("API key").fill(secret)
      await page.keyboard.press("Enter")
      await make(page, "from the next room", { count: 1 })
      await page.locator(".tile-open").click()
      await page.getByRole("button", { name: "Copy as curl" }).click()
      await page.getByRole("button", { name: "Copied" }).waitFor()
      await page.keyboard.press("Escape")
      // The layer gives the keyboard back to its picture when it has closed: only then may the prompt take it.
      await page.getByRole("button", { name: "Copied" }).waitFor({ state: "detached" })
      await page.waitForFunction(() => document.activeElement?.classList.contains("tile-open"))
      await promptOf(page).fill("")
      await promptOf(page).press("Control+v")
      // A paste arrives when the browser has asked the system for it, which may be after the key has gone up.
      await page.waitForFunction(() =>
        [...document.querySelectorAll("textarea")].some(({ value }) =>
          /^curl -s .*from the next room/s.test(value),
        ),
      )
      await close()
    })

    test("a key that is taken back leads to the sign-in, and what is wrong there is said as it is", async () => {
      await using studio = await openStudio({ serve: { requireKey: true } })
      const { db } = studio.running.service.store
      const { secret } = await addKey(db, "designer", DEFAULT_LIMITS, new Date())
      const { page, close } = await openPage(browser(), studio)
      await page.getByLabel("API key").fill(secret)
      await page.keyboard.press("Enter")
      await promptOf(page).fill("kept")
      await revokeKey(db, "designer", new Date())
      await studio.crash()
      await studio.start()
      await page.getByLabel("API key").waitFor()
      await page.keyboard.type(secret)
      await page.keyboard.press("Enter")
      await page.getByText("does not know this key").waitFor()
      await studio.crash()
      await page.keyboard.press("Enter")
      await page.getByText("The server cannot be reached.").waitFor()
      await studio.start()
      await close()
    })

    test("nothing comes from elsewhere, and no rule of the security policy is broken", async () => {
      await using studio = await openStudio()
      const { page, complaints, close } = await openPage(browser(), studio)
      const foreign: string[] = []
      page.on("request", (r) => {
        if (!r.url().startsWith(studio.url) && !r.url().startsWith("blob:")) foreign.push(r.url())
      })
      await page.reload()
      await make(page, "at home", { count: 1 })
      await page.locator(".tile-open").first().click()
      await page.locator(".inspector").waitFor()
      assert.deepEqual(foreign, [])
      assert.equal((await fetch(`${studio.url}/page/%E0%A4.js`)).status, 404)
      assert.deepEqual(
        complaints.filter((c) => /Content Security|Refused/.test(c)),
        [],
      )
      await close()
    })

    test("the first load is at most 250 kB compressed, the font included", () => {
      const html = readFileSync(join(STUDIO_DIST, "index.html"), "utf8")
      const files = [...html.matchAll(/(?:src|href)="\.\/(page\/[^"]+)"/g)].map((m) => m[1]!)
      const latin = readdirSync(join(STUDIO_DIST, "page")).find((f) => f.startsWith("inter-latin-wght"))!
      const total = [...files, `page/${latin}`].reduce(
        (n, file) => n + gzipSync(readFileSync(join(STUDIO_DIST, file))).length,
        0,
      )
      console.log(`      first load: ${(total / 1000).toFixed(0)} kB`)
      assert.ok(total <= 250_000, `${total} bytes`)
    })
  })
}
