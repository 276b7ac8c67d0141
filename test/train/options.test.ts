// The options of the training commands: numbers within limits, one sentence about what is wrong.
import assert from "node:assert/strict"
import { globSync, readFileSync } from "node:fs"
import { describe, it } from "node:test"
import { DATA_HELP, readDataOptions } from "../../src/train/data/options.ts"
import { JUDGE_HELP, readJudgeOptions } from "../../src/train/judge/options.ts"
import { HELP, readOptions } from "../../src/train/options.ts"

const words = (line: string): string[] => line.split(" ").filter(Boolean)

describe("the options of npm run train", () => {
  it("are numbers where numbers are meant, and absent where a recipe has its own", () => {
    const asked = readOptions(
      words("dit --resume --samples 2665000 --rate 0.005 --perceptual 0.25 --run grown"),
    )
    assert.equal(asked.name, "dit")
    assert.equal(asked.run, "grown")
    assert.deepEqual([asked.samples, asked.rate, asked.perceptual], [2_665_000, 0.005, 0.25])
    assert.deepEqual([asked.resume, asked.minutes, asked.layers], [true, undefined, undefined])
    const plain = readOptions(["vae"])
    assert.deepEqual([plain.seed, plain.threads, plain.sheetMinutes, plain.from], [1, 2, 10, "dit"])
  })

  it("are refused by name when they are no numbers, out of range or unknown", () => {
    const refused = (line: string, sentence: RegExp) =>
      assert.throws(() => readOptions(words(line)), sentence, line)
    refused("dit --samples many", /--samples many: this takes a whole number/)
    refused("dit --samples 1.5", /--samples 1.5: this takes a whole number/)
    refused("dit --minutes=", /--minutes : this takes a number/)
    refused("dit --samples 0", /--samples 0 is too small; it takes 1 or more/)
    refused("dit --rate 3", /--rate 3 is out of range; it takes 0 to 1/)
    refused("dit --threads 0", /--threads 0 is out of range/)
    refused("dit --features 100", /--features 100 does not divide into heads/)
    refused("dit --gears 3", /Unknown option '--gears'/)
    refused("dit --unaligned --perceptual 0.25", /--perceptual asks the encoder that --unaligned leaves out/)
    refused("dit sight", /One recipe at a time: dit, sight/)
  })
})

describe("the options of npm run data", () => {
  it("are the recipe of a set, in the form that its folder keeps", () => {
    assert.deepEqual(readDataOptions([]).recipe, { seed: 1, count: 20_000, use: "train", scale: 1 })
    const { recipe, workers, worker } = readDataOptions(words("--focus --count 28000 --seed 9 --workers 2"))
    assert.equal(JSON.stringify(recipe), '{"seed":9,"count":28000,"use":"train","scale":1,"focus":true}')
    assert.deepEqual([workers, worker], [2, undefined])
    assert.equal(readDataOptions(words("--size 1024 --stage single")).recipe.scale, 8)
  })

  it("are refused by name when they are unknown words or sizes", () => {
    const refused = (line: string, sentence: RegExp) =>
      assert.throws(() => readDataOptions(words(line)), sentence, line)
    refused("--stage singles", /--stage singles: there are single, scene/)
    refused("--use both", /--use both: there are train, judge, glyphs/)
    refused("--size 200", /--size 200 is no multiple of 128/)
    refused("--size 64", /--size 64 is out of range/)
    refused("--count some", /--count some: this takes a whole number/)
    refused("--workers 2 --worker 2", /--worker 2 is out of range/)
  })
})

describe("the options of npm run judge", () => {
  it("are numbers where numbers are meant", () => {
    const { numbers, values, positionals, parts } = readJudgeOptions(
      words("controls --part sliders --count 40 --guidance 2.5"),
    )
    assert.deepEqual([numbers.count, numbers.guidance, numbers.steps], [40, 2.5, undefined])
    assert.deepEqual([parts, values.model, positionals], [["sliders"], "medium", ["controls"]])
    assert.throws(() => readJudgeOptions(words("--count few")), /--count few: this takes a whole number/)
    assert.throws(() => readJudgeOptions(words("--count 0")), /--count 0 is too small/)
  })

  it("are words that there are: a shape and parts", () => {
    assert.deepEqual([readJudgeOptions([]).aspect, readJudgeOptions([]).parts], ["1:1", undefined])
    assert.equal(readJudgeOptions(words("--aspect 16:9")).aspect, "16:9")
    assert.throws(() => readJudgeOptions(words("--aspect 7:5")), /--aspect 7:5: there are 1:1, /)
    assert.throws(
      () => readJudgeOptions(words("controls --part dials")),
      /--part dials: there are creativity/,
    )
  })
})

describe("the documents", () => {
  const root = new URL("../..", import.meta.url)
  const documents = ["README.md", ...globSync(["docs/**/*.md", "models/*/README.md"], { cwd: root })]
  const text = documents.map((path) => readFileSync(new URL(path, root), "utf8")).join("\n")
  /** What follows a command's name: in a line of its own, up to a comment, or within a sentence, over line ends. */
  const uses = (command: string): string[] =>
    [`^npm run ${command} --([^#\n]*)`, `\`npm run ${command} --([^\`]*)\``].flatMap((pattern) =>
      [...text.matchAll(new RegExp(pattern, "gm"))].map((match) => match[1]!.trim().replaceAll(/\s+/g, " ")),
    )

  it("name only recipes and options that npm run train has", () => {
    const lines = uses("train").map((line) => line.replaceAll(/ N\b/g, " 1"))
    assert.ok(lines.length > 15)
    for (const line of lines) {
      const { name } = readOptions(words(line))
      assert.match(HELP, new RegExp(`^  .*\\b${name}\\b`, "m"), line)
    }
  })

  it("name only options that npm run data has", () => {
    const lines = uses("data")
    assert.ok(lines.length >= 4)
    for (const line of lines) readDataOptions(words(line))
  })

  it("name only options and parts that npm run judge has", () => {
    const lines = uses("judge").map((line) => line.replaceAll(/ [NGC]\b/g, " 1"))
    assert.ok(lines.length > 20)
    for (const line of lines) {
      const { parts = [], positionals } = readJudgeOptions(words(line))
      for (const part of parts) assert.match(JUDGE_HELP, new RegExp(`\\b${part}\\b`), line)
      for (const what of positionals) assert.equal(what, "controls", line)
    }
  })

  it("are not needed to know the options: --help has them all", () => {
    for (const option of ["resume", "run", "samples", "minutes", "threads", "seed", "rate", "from", "layers"])
      assert.match(HELP, new RegExp(`--${option}\\b`))
    for (const option of ["count", "seed", "workers", "stage", "focus", "use", "size", "out", "sheet"])
      assert.match(DATA_HELP, new RegExp(`--${option}\\b`))
    for (const option of [
      "model",
      "part",
      "examine",
      "through",
      "count",
      "json",
      "aspect",
      "candidates",
      "export",
    ])
      assert.match(JUDGE_HELP, new RegExp(`--${option}\\b`))
  })
})
