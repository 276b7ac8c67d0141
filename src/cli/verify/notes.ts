// Inner states: the same expressions, compiled with more outputs.
import { compile } from "../../graph/index.ts"
import type { Notes } from "../../runtime/graphs.ts"
import type { Feeds, Runner, Values } from "../../runtime/runner.ts"
import type { WeightFiles } from "../../runtime/weights.ts"

/** Runs the graph that computes every noted state. */
export async function runNotes(
  runner: Runner,
  notes: Notes,
  { weights, folder }: WeightFiles,
  feeds: Feeds,
): Promise<Values> {
  // A state may be called like an input; its output may not.
  const outputs = Object.fromEntries([...notes].map(([name, t]) => [`state:${name}`, t]))
  const graph = await runner.open({ model: compile(outputs, { weights }).model, folder })
  const values = await graph.run(feeds)
  await graph.close()
  return Object.fromEntries(Object.entries(values).map(([name, v]) => [name.replace("state:", ""), v]))
}
