// npm run bench -- <what> [options]: dispatches to the benchmarks, each in its own file.
const [what, ...args] = process.argv.slice(2)

interface Benchmark {
  main: (args: string[]) => Promise<void>
}

async function load(name: string | undefined): Promise<Benchmark | undefined> {
  if (name === "denoiser") return await import("./denoiser.ts")
  if (name === "accuracy") return await import("./accuracy.ts")
  if (name === "soak") return await import("./soak.ts")
  // Named at run time: the service's benchmark lives beside the service.
  if (name === "serve") return (await import(new URL("./serve.ts", import.meta.url).href)) as Benchmark
  return undefined
}

const benchmark = await load(what)
if (!benchmark) {
  const got = what === undefined ? "Nothing was named" : `There is no benchmark "${what}"`
  console.error(`${got}; use: npm run bench -- denoiser | accuracy | serve | soak [options]`)
  process.exitCode = 2
} else
  try {
    await benchmark.main(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = process.exitCode || 1
  }
