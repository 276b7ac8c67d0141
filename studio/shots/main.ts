// npm run studio:shots [-- view...] [--embedded]: a screenshot of every view, light and dark, wide and phone, in out/studio.
// With --embedded the model draws what is in the history; views of work under way need the engine that can stand still.
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { openBrowser } from "../../test/studio/support.ts"
import { embedded } from "./embedded.ts"
import { openGallery } from "./gallery.ts"
import { VIEWS } from "./views.ts"

const OUT = fileURLToPath(new URL("../../out/studio/", import.meta.url))
const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { embedded: { type: "boolean", default: false } },
})
const views = VIEWS.filter((v) => wanted.length === 0 || wanted.includes(v.name))

await mkdir(OUT, { recursive: true })
const browser = await openBrowser()
const gallery = await openGallery(views, values.embedded ? embedded : undefined)
let made = 0
for (const view of views) {
  for (const size of ["wide", "phone"] as const) {
    try {
      const { page, wear } = await gallery.open(browser, view, size, "light")
      for (const theme of ["light", "dark"] as const) {
        await wear(theme)
        await page.screenshot({ path: join(OUT, `${view.name}-${size}-${theme}.png`) })
        made++
      }
    } catch (thrown) {
      console.error(`${view.name}, ${size}: ${String(thrown).split("\n").slice(0, 3).join(" ")}`)
      process.exitCode = 1
    }
  }
}
console.log(`${made} screenshots in ${OUT}`)
await gallery.close()
await browser.close()
