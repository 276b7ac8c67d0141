// Every view, light and dark, wide and on a phone: axe finds nothing.
import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { openGallery } from "../../../studio/shots/gallery.ts"
import { VIEWS } from "../../../studio/shots/views.ts"
import { violations } from "../axe.ts"

export const views = (browser: () => Browser): void => {
  // Two at a time: axe keeps one core busy, and a page knows nothing of the other.
  describe("every view is accessible", { concurrency: 2 }, () => {
    let gallery: Awaited<ReturnType<typeof openGallery>>
    before(async () => {
      gallery = await openGallery(VIEWS)
    })
    after(() => gallery.close())
    for (const view of VIEWS) {
      test(`axe finds nothing in the view "${view.name}"`, async () => {
        const wide = await gallery.open(browser(), view, "wide", "light")
        assert.deepEqual(await violations(wide.page), [], "wide, light")
        // The dark theme changes colours and nothing else.
        await wide.wear("dark")
        assert.deepEqual(await violations(wide.page, ["color-contrast"]), [], "wide, dark")
        await wide.close()
        const phone = await gallery.open(browser(), view, "phone", "dark")
        assert.deepEqual(await violations(phone.page), [], "phone, dark")
        await phone.close()
      })
    }
  })
}
