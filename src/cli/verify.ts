// npm run verify -- DIR [--json]: compares the engine with reference tensors, file by file.
import { stat } from "node:fs/promises"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { localRunner } from "../runtime/runner.ts"
import { formatReports, undescribed, verifyFolder } from "./verify/report.ts"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { json: { type: "boolean" } },
})
const [named, ...more] = positionals
const unknown = Object.keys(values).find((name) => name !== "json")
if (named === undefined || more.length > 0 || unknown !== undefined) {
  const reason = unknown === undefined ? "" : `There is no option --${unknown}. `
  console.error(`${reason}Name one folder of golden files: npm run verify -- DIR [--json]`)
  process.exit(2)
}
// npm runs its scripts in the package's folder; a path is meant from where npm was called.
const folder = resolve(process.env.INIT_CWD ?? ".", named)
if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
  console.error(`There is no folder ${folder}; name a folder of golden files.`)
  process.exit(2)
}
const runner = localRunner({ threads: 1 })
const reports = await verifyFolder(folder, runner)
await runner.close()
const pass = reports.length > 0 && reports.every((r) => r.pass)
const stray = await undescribed(folder)
if (values.json) console.log(JSON.stringify({ pass, files: reports, undescribed: stray }, null, 2))
else if (reports.length > 0) console.log(formatReports(reports))
if (reports.length === 0)
  console.error(
    `${folder} holds no golden files: a .json with file, config and compare is expected beside each file of tensors.`,
  )
for (const name of stray) console.error(`${name} was not checked: no .json of the folder describes it.`)
process.exitCode = pass ? 0 : 1
