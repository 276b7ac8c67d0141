// Runs every golden file of a folder and says how near the engine came.
import { readdir, readFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { splitComponents } from "../../checkpoint/components.ts"
import type { Runner } from "../../runtime/runner.ts"
import { checkDit } from "./dit.ts"
import { type Check, Golden, weightsOf } from "./golden.ts"
import { checkLora } from "./lora.ts"
import { checkOps } from "./ops.ts"
import { checkSampler, checkSchedules } from "./sampler.ts"
import { checkText } from "./text.ts"
import { checkVae } from "./vae.ts"

export interface FileReport {
  file: string
  kind: string
  pass: boolean
  absolute: number
  relative: number
  checks: Check[]
  /** Why it could not be checked. */
  error?: string
}

type Checker = (golden: Golden, runner: Runner) => Promise<Check[]>

/** What a golden file is, from what it says and holds; its name means nothing. */
function kindOf(golden: Golden): { kind: string; check: Checker } | undefined {
  const { description: d } = golden
  if (d.layout_files && d.base_weights_file) return { kind: "lora", check: checkLora }
  if (d.runs && d.weights_file) return { kind: "sampler", check: checkSampler }
  if (d.table) return { kind: "schedules", check: checkSchedules }
  const { dit, vae, text } = splitComponents(weightsOf(golden.checkpoint))
  if (dit) return { kind: "dit", check: checkDit }
  if (vae) return { kind: "vae", check: checkVae }
  if (text) return { kind: "text", check: checkText }
  const ops = /^(dit_rmsnorm|qwen_rmsnorm|vae_rmsnorm|temb|rope|act|qwen_rope|patchify)\./
  if ([...golden.checkpoint.tensors.keys()].some((name) => ops.test(name)))
    return { kind: "ops", check: checkOps }
  return undefined
}

export async function verifyFolder(folder: string, runner: Runner): Promise<FileReport[]> {
  const reports: FileReport[] = []
  for (const name of (await readdir(folder)).filter((n) => n.endsWith(".json")).toSorted()) {
    const report = await verifyFile(join(folder, name), runner)
    if (report) reports.push(report)
  }
  return reports
}

/** Files of tensors in a folder that no description names: nothing says what they should be compared with. */
export async function undescribed(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  const descriptions = names.filter((name) => name.endsWith(".json"))
  const texts = await Promise.all(descriptions.map((name) => readFile(join(folder, name), "utf8")))
  return names
    .filter((name) => name.endsWith(".safetensors"))
    .filter((name) => !names.includes(name.replace(/\.safetensors$/, ".json")))
    .filter((name) => !texts.some((text) => text.includes(JSON.stringify(name))))
}

/** Undefined when the file is no description of golden tensors. */
async function verifyFile(path: string, runner: Runner): Promise<FileReport | undefined> {
  const report = { file: basename(path), kind: "unknown", pass: false, absolute: 0, relative: 0, checks: [] }
  try {
    const golden = await Golden.open(path)
    if (!golden) return undefined
    const found = kindOf(golden)
    if (!found)
      return {
        ...report,
        error:
          "neither its description nor its tensors are of a known kind: dit, vae, text, lora, sampler, schedules, ops",
      }
    report.kind = found.kind
    const checks = await found.check(golden, runner)
    if (checks.length === 0) return { ...report, error: "it holds nothing to compare" }
    return {
      ...report,
      checks,
      pass: checks.every((c) => c.pass),
      absolute: Math.max(...checks.map((c) => c.absolute)),
      relative: Math.max(...checks.map((c) => c.relative)),
    }
  } catch (thrown) {
    return { ...report, error: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}

/** One line per file, the failed comparisons below it, and a closing line. */
export function formatReports(reports: readonly FileReport[]): string {
  const width = Math.max(...reports.map((r) => r.file.length), 4)
  const lines = reports.flatMap((r) => {
    const head = `${r.pass ? "pass" : "FAIL"}  ${r.file.padEnd(width)}  ${r.kind.padEnd(9)}`
    if (r.error !== undefined) return [`${head}  ${r.error}`]
    const errors = `largest error ${r.absolute.toExponential(2)}, relative ${r.relative.toExponential(2)}`
    const failed = r.checks.filter((c) => !c.pass)
    return [
      `${head}  ${String(r.checks.length).padStart(3)} tensors, ${errors}`,
      ...failed.map(
        (c) => `        ${c.name}: ${c.absolute.toExponential(2)} exceeds ${c.atol} + ${c.rtol} |b|`,
      ),
    ]
  })
  const passed = reports.filter((r) => r.pass).length
  const tensors = reports.reduce((n, r) => n + r.checks.length, 0)
  return [
    ...lines,
    `${passed} of ${reports.length} files pass, ${reports.length - passed} fail, ${tensors} tensors compared`,
  ].join("\n")
}
