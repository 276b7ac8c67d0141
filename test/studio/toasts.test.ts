// Messages at the page's edge: every way back that they offer stays for its time.
import assert from "node:assert/strict"
import { test } from "node:test"
import { toast, toasts, undoLast } from "../../studio/src/state/page.ts"

test("four deletions in a row are all taken back, the newest first", () => {
  const back: number[] = []
  for (const n of [1, 2, 3, 4]) toast("Take deleted", { action: { label: "Undo", run: () => back.push(n) } })
  // Forwards is no way back.
  toast("Left out", { action: { label: "Show", run: () => back.push(0), isBack: false } })
  for (let i = 0; i < 5; i++) undoLast()
  assert.deepEqual(back, [4, 3, 2, 1])
  assert.deepEqual(
    toasts.get().items.map((t) => t.text),
    ["Left out"],
  )
})
