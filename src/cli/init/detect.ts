import { posix, relative } from 'node:path'
import { bundled } from './bundled.js'
import type { Framework } from './framework.js'
import { type Platform, platforms } from './platforms.js'
import type { Project } from './project.js'
import { bare, servers } from './servers.js'
import { judgeVersion, majorOf, type Verdict } from './version.js'

/** What is there. */
export interface Detected {
  framework: Framework
  /** That which is installed, else what package.json asks for. */
  version: string | undefined
  major: number | undefined
  verdict: Verdict
  platform: Platform | undefined
  typescript: boolean
  /** The file that takes the lines, or that is to be written; nothing where none was found. */
  entry: Entry | undefined
  /** Where the config file is, or would be. */
  config: string
  /** Whether a file that ends in `.js` is an ES module. */
  isModule: boolean
  /** With what an import of a file of TypeScript ends here. */
  ending: '' | '.js' | '.ts'
}

export interface Entry {
  path: string
  exists: boolean
  text: string
  /** The statement below which the lines go, and what the app is called there. */
  anchor: { app: string; line: number; text: string } | undefined
}

/** @param found The config file, where there is one. */
export function detect(project: Project, found?: string): Detected {
  const { manifest } = project
  const platform = platforms.find(({ files }) => files.some((file) => project.has(file)))
  const dependencies = { ...manifest.devDependencies, ...manifest.dependencies }
  // Who uses Next.js may use Express too, but not the other way round.
  const known = [...bundled, ...servers].find(({ packages }) => packages.some((name) => name in dependencies))
  const framework = known ?? bareOf(project, platform)
  const name = framework.packages.find((name) => name in dependencies)
  const installed = name === undefined ? undefined : project.installed(name)
  const version = installed ?? (name === undefined ? undefined : dependencies[name])
  const major = majorOf(version)
  const inTypeScript =
    project.has('tsconfig.json') || 'typescript' in dependencies || /^(Deno|Bun)$/.test(platform?.name ?? '')
  const entry = findEntry(project, framework, major, inTypeScript)
  // A server that is not compiled can import no TypeScript, whatever else the project has it for.
  const typescript = entry?.exists && framework.bundled === undefined ? /\.[mc]?tsx?$/.test(entry.path) : inTypeScript
  return {
    framework,
    version,
    major,
    verdict: judgeVersion(version, framework.supported),
    platform,
    typescript,
    entry,
    config: found === undefined ? configFile(project, framework, typescript, entry) : relative(project.folder, found),
    isModule: manifest.type === 'module',
    ending: endingOf(project, platform),
  }
}

function endingOf(project: Project, platform: Platform | undefined): '' | '.js' | '.ts' {
  const compiler = project.read('tsconfig.json')
  const asWritten = /"(allowImportingTsExtensions|rewriteRelativeImportExtensions)"\s*:\s*true/
  if (platform?.name === 'Deno' || asWritten.test(compiler)) return '.ts'
  return project.manifest.type === 'module' ? '.js' : ''
}

function bareOf(project: Project, platform: Platform | undefined): Framework {
  if (/^(Cloudflare|Deno|Bun)$/.test(platform?.name ?? '')) return bare.fetch
  const entry = findEntry(project, bare.fetch, undefined, true)
  return entry?.anchor ? bare.fetch : bare.node
}

const endings = { typescript: ['ts', 'tsx', 'mts', 'cts'], javascript: ['js', 'mjs', 'jsx', 'cjs'] }

function findEntry(
  project: Project,
  framework: Framework,
  major: number | undefined,
  typescript: boolean,
): Entry | undefined {
  const all = typescript
    ? [...endings.typescript, ...endings.javascript]
    : [...endings.javascript, ...endings.typescript]
  const usual = framework.files(project, major)
  const candidates = usual.flatMap((file) => all.map((ending) => `${file}${ending}`))
  if (framework.anchors) candidates.unshift(...filesOfScripts(project))
  const found = candidates
    .filter((path) => project.has(path))
    .map((path): Entry => {
      const text = project.read(path)
      return { path, exists: true, text, anchor: anchorIn(text, framework) }
    })
  // A file of that name may be anything: code for browsers, for one.
  const best = framework.anchors ? found.find(({ anchor }) => anchor) : found[0]
  if (best || !framework.creates) return best
  return { path: `${usual[0]}${all[0]}`, exists: false, text: '', anchor: undefined }
}

/** What `main` and the scripts that start the app name. */
function filesOfScripts({ manifest }: Project): string[] {
  const { main = '', scripts = {} } = manifest
  const commands = [main, scripts.start, scripts.dev, scripts.serve].join(' ')
  return commands
    .split(/[\s"']+/)
    .filter((word) => /^[\w./-]+\.[mc]?[jt]sx?$/.test(word))
    .map((path) => posix.normalize(path))
}

function anchorIn(text: string, { anchors = [] }: Framework): Entry['anchor'] {
  for (const anchor of anchors) {
    const match = anchor.exec(text)
    if (!match) continue
    const before = text.slice(0, match.index + match[0].length).split('\n')
    const line = text.split('\n')[before.length - 1] ?? ''
    return { app: match[1] ?? 'app', line: before.length, text: line.trim() }
  }
  return undefined
}

/**
 * At the root, but beside the app where that is compiled from `src`: a file of TypeScript outside of it would move what
 * the compiler puts out (`dist/src/main.js`), or be refused by it.
 */
function configFile(project: Project, framework: Framework, typescript: boolean, entry: Entry | undefined): string {
  const ending = typescript ? 'ts' : project.manifest.type === 'module' ? 'js' : 'mjs'
  const inSource = entry ? entry.path.startsWith('src/') : project.has('src')
  const beside = typescript && framework.bundled === undefined && inSource
  return `${beside ? 'src/' : ''}maintenance-mode.config.${ending}`
}
