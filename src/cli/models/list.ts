// The installed models as a table.
import type { ModelInfo } from "../../request/engine.ts"
import { installedModels } from "../../sampling/catalog.ts"
import { componentOf, modelInfo } from "../../sampling/model.ts"

export async function listModels(): Promise<{ models: ModelInfo[] }> {
  const installed = await installedModels()
  return { models: await Promise.all(installed.map(async (m) => modelInfo(m, await componentOf(m, "dit")))) }
}

export const millions = (count: number): string =>
  count >= 1e9 ? `${(count / 1e9).toFixed(1)} B` : `${(count / 1e6).toFixed(1)} M`

export function sayList({ models }: { models: ModelInfo[] }): string {
  if (models.length === 0) return "No model is installed; install one with `atelier models add NAME PATH`."
  return models
    .map((m) => {
      const { steps, guidance, candidates, width, height } = m.defaults
      return `${m.name.padEnd(16)} ${m.title}: ${millions(m.parameters)} parameters, ${steps} steps, guidance ${guidance}${candidates > 1 ? `, ${candidates} candidates` : ""}, ${width}x${height}`
    })
    .join("\n")
}
