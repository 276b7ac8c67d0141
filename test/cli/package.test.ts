// The package as others get it: packed, laid out as npm would, run and imported without the repository.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { after, before, test } from "node:test"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const run = promisify(execFile)
const root = fileURLToPath(new URL("../..", import.meta.url))
let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-package-"))
})
after(() => rm(folder, { recursive: true, force: true }))

const npm = (...words: string[]) => run("npm", words, { cwd: folder, maxBuffer: 1e8 })

/** npm's own install, where CI allows the minutes; else the same tree, with our copies of the dependencies. */
async function install(tarball: string): Promise<void> {
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", type: "module" }))
  if (process.env.CI) {
    await npm("install", "--no-audit", "--no-fund", "--onnxruntime-node-install=skip", tarball)
    return
  }
  const target = join(folder, "node_modules", "atelier")
  await mkdir(target, { recursive: true })
  await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", target])
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean }>
  }
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    const nested = path.lastIndexOf("node_modules/") > 0
    if (!path.startsWith("node_modules/") || dev || nested || !existsSync(join(root, path))) continue
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await symlink(join(root, path), join(folder, path))
  }
}

test("packed and installed into an empty folder, the command runs and the import is typed", {
  timeout: 600_000,
}, async () => {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: root,
    maxBuffer: 1e8,
  })
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [
    { filename: string; files: { path: string }[] },
  ]
  const paths = files.map((f) => f.path)
  for (const wanted of [
    "bin/atelier.js",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/runtime/worker-main.js",
    "LICENSE",
  ])
    assert.ok(paths.includes(wanted), `${wanted} is packed`)
  const left = paths.filter((p) => /^(test|src|bench|scripts|data)\/|dist\/train|dist\/cli\/verify/.test(p))
  assert.deepEqual(left, [], "training, tests and sources stay at home")

  await install(join(folder, filename))
  const atelier = join(folder, "node_modules", "atelier")
  const version = await run(process.execPath, [join(atelier, "bin", "atelier.js"), "--version"], {
    cwd: folder,
  })
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)

  const program = `import { createEngine, parseRequest, type Generation } from "atelier"
const engine = createEngine({ threads: 1 })
const generate = (prompt: string): Promise<Generation> => engine.generate(parseRequest({ prompt }))
// @ts-expect-error a prompt is no number
void (() => generate(3))
console.log((await engine.models()).length)
await engine.close()
`
  await writeFile(join(folder, "program.ts"), program)
  const options = {
    module: "nodenext",
    target: "es2024",
    lib: ["es2024"],
    types: ["node"],
    strict: true,
    skipLibCheck: true,
  }
  const typeRoots = [join(root, "node_modules", "@types")]
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...options, noEmit: true, typeRoots }, files: ["program.ts"] }),
  )
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]).catch(
    (error: { stdout: string }) => {
      assert.fail(error.stdout)
    },
  )
  const ran = await run(process.execPath, [join(folder, "program.ts")], { cwd: folder })
  assert.match(ran.stdout, /^\d+\n$/)
})

test("the launcher says what to do when it finds nothing to run", async () => {
  const bare = join(folder, "bare")
  await mkdir(join(bare, "bin"), { recursive: true })
  await writeFile(join(bare, "package.json"), `{"type":"module"}`)
  await cp(join(root, "bin", "atelier.js"), join(bare, "bin", "atelier.js"))
  await assert.rejects(
    run(process.execPath, [join(bare, "bin", "atelier.js")]),
    (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1)
      assert.match(error.stderr, /^Atelier is not complete: .*main\.js is missing\. Install it again\.\n$/)
      return true
    },
  )
})
