// The page in a real browser against a real server: with the embedded model where it is installed, else with the
// tests' engine. Skipped where there is no Chromium (apt-get install chromium-headless-shell, or CHROMIUM=path).
import { after, before, describe } from "node:test"
import type { Browser } from "playwright-core"
import { access } from "./cases/access.ts"
import { comparing } from "./cases/comparing.ts"
import { dock } from "./cases/dock.ts"
import { history } from "./cases/history.ts"
import { keyboard } from "./cases/keyboard.ts"
import { making } from "./cases/making.ts"
import { masking } from "./cases/masking.ts"
import { queueing } from "./cases/queueing.ts"
import { varying } from "./cases/varying.ts"
import { views } from "./cases/views.ts"
import { wishes } from "./cases/wishes.ts"
import { chromiumPath, openBrowser } from "./support.ts"

describe("the studio page", { skip: chromiumPath() ? false : "no Chromium here" }, () => {
  let browser: Browser
  before(async () => {
    browser = await openBrowser()
  })
  after(() => browser.close())
  for (const cases of [
    making,
    varying,
    masking,
    dock,
    comparing,
    queueing,
    history,
    keyboard,
    access,
    views,
    wishes,
  ])
    cases(() => browser)
})
