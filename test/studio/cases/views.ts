// Every view, light and dark, wide and on a phone: axe finds nothing.
import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import { AxeBuilder } from "@axe-core/playwright"
import type { Browser } from "playwright-core"
import { openGallery } from "../../../studio/shots/gallery.ts"
import { VIEWS } from "../../../studio/shots/views.ts"

export const views = (browser: () => Browser): void => {
  describe("every view is accessible", () => {
    let gallery: Awaited<ReturnType<typeof openGallery>>
    before(async () => {
      gallery = await openGallery(VIEWS)
    })
    after(() => gallery.close())
    for (const view of VIEWS) {
      test(`axe finds nothing in the view "${view.name}"`, async () => {
        for (const size of ["wide", "phone"] as const) {
          const { page, close } = await gallery.open(browser(), view, size, "light")
          for (const colorScheme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme })
            const { violations } = await new AxeBuilder({ page }).analyze()
            const found = violations.flatMap((v) =>
              v.nodes.map((n) => `${v.id}: ${n.target.join(" ")} (${n.failureSummary})`),
            )
            assert.deepEqual(found, [], `${view.name}, ${size}, ${colorScheme}`)
          }
          await close()
        }
      })
    }
  })
}
