// verify on golden files made here: what passes, what fails, what it says; and on the public set where it is.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { writeSafetensors } from "../../src/checkpoint/index.ts"
import { compare } from "../../src/cli/verify/golden.ts"
import { formatReports, undescribed, verifyFolder } from "../../src/cli/verify/report.ts"
import { localRunner, type Runner } from "../../src/runtime/runner.ts"

let folder: string
let runner: Runner
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-golden-"))
  runner = localRunner({ threads: 1 })
})
after(async () => {
  await runner.close()
  await rm(folder, { recursive: true })
})

/** A golden file of activations under a name that says nothing, with one value off by `error`. */
async function activations(name: string, error: number): Promise<void> {
  const x = Float32Array.of(-2, -0.5, 0, 0.7, 3)
  const y = x.map((v) => v / (1 + Math.exp(-v)))
  y[3]! += error
  const entries = [
    { name: "act.x", type: "F32" as const, shape: [5], data: x },
    { name: "act.silu", type: "F32" as const, shape: [5], data: y },
  ]
  await writeSafetensors(join(folder, `${name}.safetensors`), entries)
  const compareRule = { atol: 1e-5, rtol: 1e-5 }
  await writeFile(
    join(folder, `${name}.json`),
    JSON.stringify({ file: `${name}.safetensors`, compare: compareRule }),
  )
}

test("a file is judged by its own rule, whatever it is called", async () => {
  await activations("aaa", 0)
  await activations("bbb", 1e-3)
  await writeFile(join(folder, "notes.json"), JSON.stringify({ remark: "no golden file" }))
  await writeFile(
    join(folder, "ccc.json"),
    JSON.stringify({ file: "gone.safetensors", compare: { atol: 1, rtol: 0 } }),
  )
  const reports = await verifyFolder(folder, runner)
  assert.deepEqual(
    reports.map((r) => [r.file, r.kind, r.pass]),
    [
      ["aaa.json", "ops", true],
      ["bbb.json", "ops", false],
      ["ccc.json", "unknown", false],
    ],
  )
  assert.ok(Math.abs(reports[1]!.absolute - 1e-3) < 1e-5)
  const text = formatReports(reports)
  assert.match(text, /^pass {2}aaa\.json {2}ops +1 tensors, largest error \d/m)
  assert.match(text, /^ +act\.silu: 1\.00e-3 exceeds 0\.00001 \+ 0\.00001 \|b\|$/m)
  assert.match(text, /gone\.safetensors does not exist/)
  assert.match(text, /1 of 3 files pass, 2 fail, 2 tensors compared$/)
})

test("what cannot be checked is said in one sentence each", async () => {
  const odd = await mkdtemp(join(tmpdir(), "atelier-odd-"))
  const bytes = [{ name: "what", type: "F32" as const, shape: [1], data: Float32Array.of(1) }]
  for (const name of ["lone", "ruleless", "strange"])
    await writeSafetensors(join(odd, `${name}.safetensors`), bytes)
  await writeFile(join(odd, "broken.json"), "{")
  await writeFile(join(odd, "ruleless.json"), JSON.stringify({ file: "ruleless.safetensors" }))
  const rule = { atol: 1, rtol: 0 }
  await writeFile(join(odd, "strange.json"), JSON.stringify({ file: "strange.safetensors", compare: rule }))
  const reports = await verifyFolder(odd, runner)
  assert.deepEqual(
    reports.map((r) => [r.file, r.pass]),
    [
      ["broken.json", false],
      ["ruleless.json", false],
      ["strange.json", false],
    ],
  )
  assert.match(reports[0]!.error!, /not JSON/)
  assert.match(reports[1]!.error!, /compare\.atol and compare\.rtol/)
  assert.match(reports[2]!.error!, /of a known kind: dit, vae, /)
  assert.deepEqual(await undescribed(odd), ["lone.safetensors"])
  await rm(odd, { recursive: true })
})

test("patches of another side are compared, and where each token stands", async () => {
  const sides = await mkdtemp(join(tmpdir(), "atelier-sides-"))
  const latent = Float32Array.from({ length: 32 }, (_, i) => i) // 4 x 8, two tokens of 4 x 4
  const tokens = Float32Array.from(
    { length: 32 },
    (_, i) => 8 * (Math.floor(i / 4) % 4) + (i % 4) + (i < 16 ? 0 : 4),
  )
  const entry = (name: string, shape: number[], data: Float32Array) => ({
    name,
    type: "F32" as const,
    shape,
    data,
  })
  const write = async (secondColumn: number): Promise<void> => {
    await writeSafetensors(join(sides, "p.safetensors"), [
      entry("patchify.latent", [1, 1, 4, 8], latent),
      entry("patchify.tokens", [1, 2, 16], tokens),
      entry("patchify.pos", [1, 3, 3], Float32Array.of(0, 0, 0, 0, 0, 0, 0, 0, secondColumn)),
    ])
  }
  const rule = { atol: 1e-6, rtol: 0 }
  await writeFile(join(sides, "p.json"), JSON.stringify({ file: "p.safetensors", compare: rule }))
  await write(1)
  const [right] = await verifyFolder(sides, runner)
  assert.deepEqual([right!.pass, right!.checks.length, right!.error], [true, 2, undefined])
  await write(2)
  const [wrong] = await verifyFolder(sides, runner)
  assert.deepEqual(
    wrong!.checks.filter((c) => !c.pass).map((c) => c.name),
    ["patchify.pos"],
  )
  await rm(sides, { recursive: true })
})

test("rows that are masked do not count, and a number that is none fails", () => {
  const rule = { atol: 0.1, rtol: 0 }
  assert.equal(compare("x", [1, 9, 2, 9], [1, 0, 2, 0], rule).pass, false)
  assert.equal(compare("x", [1, 2, 9, 9], [1, 2, 0, 0], rule, [1, 0]).pass, true)
  assert.equal(compare("x", [Number.NaN], [0], rule).pass, false)
  assert.throws(() => compare("x", [1], [1, 2], rule), /has 1 values, and the reference 2/)
})

const root = fileURLToPath(new URL("../..", import.meta.url))
const shared = join(root, "../shared/golden/public")

test("the command passes the public set, and ends with code 1 when a file fails", {
  skip: !existsSync(shared) && "the reference tensors are not on this machine",
}, async () => {
  const verify = (path: string) =>
    promisify(execFile)(process.execPath, [join(root, "src/cli/verify.ts"), path, "--json"], {
      maxBuffer: 1e8,
    })
  const { stdout } = await verify(shared)
  const { pass, files } = JSON.parse(stdout) as { pass: boolean; files: { file: string; pass: boolean }[] }
  assert.deepEqual(
    files.filter((f) => !f.pass),
    [],
  )
  assert.equal(pass, true)
  assert.ok(files.length >= 8)
  await assert.rejects(verify(folder), { code: 1 })
  await assert.rejects(verify(join(folder, "nowhere")), { code: 2 })
})

test("a folder without golden files, and an option that does not exist, end in one sentence", async () => {
  const empty = await mkdtemp(join(tmpdir(), "atelier-none-"))
  const verify = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(root, "src/cli/verify.ts"), ...args])
  await assert.rejects(verify(empty), { code: 1, stderr: /^.+ holds no golden files: .+\n$/ })
  const from = { env: { ...process.env, INIT_CWD: tmpdir() } } // where npm was called
  const relative = promisify(execFile)(
    process.execPath,
    [join(root, "src/cli/verify.ts"), basename(empty)],
    from,
  )
  await assert.rejects(relative, { code: 1, stderr: /holds no golden files/ })
  await assert.rejects(verify(empty, "--jso"), { code: 2, stderr: /^There is no option --jso\. .+\n$/ })
  await rm(empty, { recursive: true })
})
