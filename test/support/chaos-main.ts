// `npm run test:chaos -- --runs N [--seed S]`: the larger form of test/jobs/chaos.test.ts, with its figures.
import { parseArgs } from "node:util"
import { chaos } from "./chaos.ts"

const { values } = parseArgs({
  options: { runs: { type: "string", default: "50" }, seed: { type: "string", default: "1" } },
})
const result = await chaos({
  kills: Number(values.runs),
  seed: Number(values.seed),
  onKill: (n) => n % 10 === 0 && process.stderr.write(`${n} kills\n`),
})
const { kills, acknowledged, lost, doubled, different, rowsWithoutFile } = result
console.log(`figure=R1-lost n=${kills} seed=${values.seed} acknowledged=${acknowledged} lost=${lost}`)
console.log(`figure=R2-doubled n=${kills} seed=${values.seed} doubled=${doubled} different=${different}`)
console.log(`figure=R3-files n=${kills} seed=${values.seed} rows_without_file=${rowsWithoutFile}`)
if (lost + doubled + different + rowsWithoutFile > 0) process.exitCode = 1
