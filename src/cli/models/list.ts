// The installed models as a table.
import type { ModelInfo } from "../../request/engine.ts"
import { surveyModels } from "../../sampling/model.ts"

export interface ModelList {
  models: ModelInfo[]
  /** Installed ones that cannot be used, with the reason. */
  broken: { name: string; message: string }[]
}

export async function listModels(): Promise<ModelList> {
  const { models, broken } = await surveyModels()
  return { models, broken: broken.map(({ name, error }) => ({ name, message: error.message })) }
}

export const millions = (count: number): string =>
  count >= 1e9 ? `${(count / 1e9).toFixed(1)} B` : `${(count / 1e6).toFixed(1)} M`

export function sayList({ models, broken }: ModelList): string {
  if (models.length + broken.length === 0)
    return "No model is installed; install one with `atelier models add NAME PATH`."
  return [
    ...models.map((m) => {
      const { steps, guidance, candidates, width, height } = m.defaults
      return `${m.name.padEnd(16)} ${m.title}: ${millions(m.parameters)} parameters, ${steps} steps, guidance ${guidance}${candidates > 1 ? `, ${candidates} candidates` : ""}, ${width}x${height}`
    }),
    ...broken.map(({ name, message }) => `${name.padEnd(16)} cannot be used: ${message}`),
  ].join("\n")
}
