// Every view, light and dark, wide and on a phone: axe finds nothing.
import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { openGallery } from "../../../studio/shots/gallery.ts"
import { VIEWS, type View } from "../../../studio/shots/views.ts"
import { violations } from "../axe.ts"

export const views = (browser: () => Browser): void => {
  describe("every view is accessible", () => {
    let gallery: Awaited<ReturnType<typeof openGallery>>
    before(async () => {
      gallery = await openGallery(VIEWS)
    })
    after(() => gallery.close())
    const wide = async (view: View): Promise<void> => {
      const { page, wear } = await gallery.open(browser(), view, "wide", "light")
      assert.deepEqual(await violations(page), [], "wide, light")
      // The dark theme changes colours and nothing else.
      await wear("dark")
      assert.deepEqual(await violations(page, ["color-contrast"]), [], "wide, dark")
    }
    const phone = async (view: View): Promise<void> => {
      const { page } = await gallery.open(browser(), view, "phone", "dark")
      assert.deepEqual(await violations(page), [], "phone, dark")
    }
    for (const view of VIEWS) {
      test(`axe finds nothing in the view "${view.name}"`, async () => {
        // Side by side: axe keeps one core busy, and a page knows nothing of the other.
        await Promise.all([wide(view), phone(view)])
      })
    }
  })
}
