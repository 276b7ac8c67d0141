// npm run build: dist/ with declarations for those who install the package. `--shrinkwrap` also pins what they get.
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const dist = join(root, "dist")
// Training and the comparison with reference tensors are for those who have the repository.
const left = ["src/train/**", "src/cli/verify/**", "src/cli/verify.ts"]

// Types are checked by `npm run check`; here they are only written out.
function compile(): void {
  rmSync(dist, { recursive: true, force: true })
  const config = join(root, "tsconfig.build.json")
  const options = {
    noEmit: false,
    outDir: "dist",
    rootDir: "src",
    declaration: true,
    noCheck: true,
    allowImportingTsExtensions: false,
  }
  writeFileSync(
    config,
    JSON.stringify({ extends: "./tsconfig.json", compilerOptions: options, include: ["src"], exclude: left }),
  )
  try {
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config], {
      stdio: "inherit",
    })
  } finally {
    rmSync(config)
  }
  // Whatever else the sources read at run time.
  cpSync(join(root, "src"), dist, {
    recursive: true,
    filter: (path) => !path.endsWith(".ts") && !path.includes(join("src", "train")),
  })
}

interface Lock {
  packages: Record<string, { dev?: boolean; devDependencies?: unknown; hasInstallScript?: boolean }>
}

/**
 * The lock file as a shrinkwrap, without what only developers need. onnxruntime-node's install script fetches
 * CUDA libraries from another registry and fails where that cannot be reached; npm runs scripts only of packages
 * that the shrinkwrap says have one.
 */
function shrinkwrap(): void {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock
  for (const [path, entry] of Object.entries(lock.packages)) if (entry.dev) delete lock.packages[path]
  delete lock.packages[""]?.devDependencies
  delete lock.packages["node_modules/onnxruntime-node"]?.hasInstallScript
  writeFileSync(join(root, "npm-shrinkwrap.json"), JSON.stringify(lock, null, 2))
}

if (process.argv.includes("--clean")) rmSync(join(root, "npm-shrinkwrap.json"), { force: true })
else {
  compile()
  if (process.argv.includes("--shrinkwrap")) shrinkwrap()
  if (!existsSync(join(dist, "index.js"))) throw new Error("dist/index.js was not written.")
}
