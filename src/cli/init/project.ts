import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { projectFolder } from '../../platform/node.js'
import { wrongUsage } from '../output.js'

/** What is read of a package.json. */
export interface Manifest {
  type?: string
  main?: string
  packageManager?: string
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

/** The project that is set up. Paths count from its folder. */
export interface Project {
  folder: string
  manifest: Manifest
  has(path: string): boolean
  /** Nothing (`''`) where it cannot be read. */
  read(path: string): string
  /** All of these names in the folder of the project and above, in full, the nearest first. */
  upward(...names: string[]): string[]
  /** The version of a package that the project would import. */
  installed(name: string): string | undefined
}

/** The project of the nearest package.json; one for Deno may do without. */
export function openProject(from: string = process.cwd()): Project {
  const folder = projectFolder(from)
  const read = (path: string): string => {
    try {
      return readFileSync(join(folder, path), 'utf8')
    } catch {
      return ''
    }
  }
  const manifest = existsSync(join(folder, 'package.json'))
    ? (parsed(join(folder, 'package.json'), read('package.json')) as Manifest)
    : manifestOfDeno(folder, read('deno.json') || read('deno.jsonc'))
  return {
    folder,
    manifest,
    read,
    has: (path) => existsSync(join(folder, path)),
    upward: (...names) => upward(folder, ...names),
    installed: (name) => versionOf(folder, name),
  }
}

/** What the project imports by name stands in the place of what it depends on. */
function manifestOfDeno(folder: string, text: string): Manifest {
  if (text === '') {
    throw wrongUsage(
      `There is no package.json in ${folder}, nor above: run \`init\` in the folder of your app, or begin one (\`npm init\`).`,
    )
  }
  const imports = [...text.matchAll(/"([^"]+)"\s*:\s*"(?:npm|jsr):\/?@?[^"@]+(?:@([^"/]*))?/g)]
  return { type: 'module', dependencies: Object.fromEntries(imports.map(([, name, range = '*']) => [name, range])) }
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}.`, { cause: error })
  }
}

function versionOf(folder: string, name: string): string | undefined {
  const [file] = upward(folder, join('node_modules', name, 'package.json'))
  try {
    // With Plug'n'Play there is no such folder.
    const found = file ?? createRequire(join(folder, 'package.json')).resolve(`${name}/package.json`)
    return (JSON.parse(readFileSync(found, 'utf8')) as { version?: string }).version
  } catch {
    return undefined
  }
}

function upward(from: string, ...names: string[]): string[] {
  const here = names.map((name) => join(from, name)).filter((path) => existsSync(path))
  const above = dirname(from)
  return above === from ? here : [...here, ...upward(above, ...names)]
}
