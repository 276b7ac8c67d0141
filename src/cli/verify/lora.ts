// Checks LoRAs: the DiT's output under each layout's file at each strength.
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { loadLora } from "../../checkpoint/lora.ts"
import { adaptedWeights } from "../../runtime/adapters.ts"
import type { Runner } from "../../runtime/runner.ts"
import { weightFiles } from "../../runtime/weights.ts"
import { ditInputs, ditOf, ditOutput } from "./dit.ts"
import type { Check, Golden } from "./golden.ts"

export async function checkLora(golden: Golden, runner: Runner): Promise<Check[]> {
  const { base_weights_file: base, layout_files: layouts = {} } = golden.description
  const { checkpoint, config } = ditOf(await golden.neighbour(base!), golden.description.config)
  const inputs = await ditInputs(golden, config)
  const checks: Check[] = []
  if (golden.has("output.base")) {
    const velocity = await ditOutput(runner, config, weightFiles(checkpoint), inputs)
    checks.push(await golden.check("output.base", velocity))
  }
  for (const [layout, { file }] of Object.entries(layouts)) {
    const lora = await loadLora(join(dirname(golden.path), file), config)
    // Strengths are read off the tensors' names: they are the ones with something to compare.
    for (const name of golden.below(`output.${layout}.scale`)) {
      const changed = await adaptedWeights(checkpoint, [{ lora, strength: Number(name) }], {
        cache: tmpdir(),
      })
      const velocity = await ditOutput(runner, config, weightFiles(checkpoint, changed), inputs)
      checks.push(await golden.check(`output.${layout}.scale${name}`, velocity))
    }
  }
  const checked = new Set(checks.map((check) => check.name))
  const left = golden.below("output.").find((name) => !checked.has(`output.${name}`))
  if (left !== undefined)
    throw new Error(
      `Nothing says which file of layout_files gives output.${left}; the known ones are ${Object.keys(layouts).join(", ")}.`,
    )
  return checks
}
