// What axe finds in a page.
import axe from "axe-core"
import type { Page } from "playwright-core"

/**
 * What breaks a rule of accessibility in the page as it stands, a line each; all rules, or those named. axe itself is
 * half a megabyte: a page is given it once, however often it is asked.
 */
export async function violations(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source)
  return page.evaluate(async (values) => {
    const found = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ["violations"],
      ...(values ? { runOnly: { type: "rule", values } } : {}),
    })
    return found.violations.flatMap((v) =>
      v.nodes.map((n) => `${v.id}: ${n.target.join(" ")} (${n.failureSummary})`),
    )
  }, rules)
}
