// npm run verify -- DIR [--json]: compares the engine with reference tensors, file by file.
import { stat } from "node:fs/promises"
import { parseArgs } from "node:util"
import { localRunner } from "../runtime/runner.ts"
import { formatReports, verifyFolder } from "./verify/report.ts"

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } })
const folder = positionals[0]
if (folder === undefined || positionals.length > 1) {
  console.error("Name one folder of golden files: npm run verify -- DIR [--json]")
  process.exit(2)
}
if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
  console.error(`There is no folder ${folder}; name a folder of golden files.`)
  process.exit(2)
}
const runner = localRunner({ threads: 1 })
const reports = await verifyFolder(folder, runner)
await runner.close()
const pass = reports.length > 0 && reports.every((r) => r.pass)
if (values.json) console.log(JSON.stringify({ pass, files: reports }, null, 2))
else if (reports.length === 0) console.error(`${folder} holds no golden files.`)
else console.log(formatReports(reports))
process.exitCode = pass ? 0 : 1
