// Sample sheets: pictures in rows, however many there are.
import assert from "node:assert/strict"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import sharp from "sharp"
import { type Planes, psnr, writeSheet } from "../../src/train/sheet.ts"

const folder = mkdtempSync(join(tmpdir(), "atelier-sheet-"))
after(() => rmSync(folder, { recursive: true }))

/** A picture of one grey, -1..1. */
const grey = (value: number, width: number, height: number): Planes => ({
  data: new Float32Array(3 * width * height).fill(value),
  width,
  height,
})

test("a sheet has its pictures in rows with a margin, rows without pictures left out", async () => {
  const path = `${folder}/some.png`
  await writeSheet(path, [[grey(-1, 8, 8), grey(0, 16, 4)], [], [grey(-1, 8, 10)]])
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  assert.deepEqual([info.width, info.height], [6 + 8 + 6 + 16 + 6, 6 + 8 + 6 + 10 + 6])
  const at = (x: number, y: number): number => data[(y * info.width + x) * info.channels]!
  assert.deepEqual([at(2, 2), at(8, 8), at(24, 8), at(24, 12), at(8, 22)], [255, 0, 128, 255, 0])
})

test("of no pictures no sheet is written", async () => {
  await writeSheet(`${folder}/none.png`, [[], []])
  assert.ok(!existsSync(`${folder}/none.png`))
})

test("a hundredth of the range everywhere is 40 dB", () => {
  const [a, b] = [grey(0.1, 4, 4), grey(0.12, 4, 4)]
  assert.ok(Math.abs(psnr(a.data, b.data) - 40) < 0.01)
})
