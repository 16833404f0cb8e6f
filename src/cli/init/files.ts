import { dirname, relative, sep } from 'node:path'
import type { Detected } from './detect.js'
import type { Project } from './project.js'
import { entryText } from './steps.js'
import { ignoringScripts } from './watchers.js'

/** What becomes of one file. */
export interface PlannedFile {
  /** From the folder of the project. */
  path: string
  action: 'create' | 'append' | 'change' | 'keep'
  /** All of it, or what is appended; nothing where it is kept. */
  text: string
  /** What is new in it, if not all. */
  changed?: readonly string[]
  /** What it is, or why it is written. */
  what: string
}

/** Every file that is written, or kept. What people wrote is never overwritten. */
export function planFiles(project: Project, detected: Detected): PlannedFile[] {
  return [configFile(project, detected), ...ownFile(detected), ...gitignore(project), ...scripts(project)]
}

function configFile(project: Project, detected: Detected): PlannedFile {
  const path = detected.config
  const what = 'the settings, for the app and the command alike'
  return project.has(path)
    ? { path, action: 'keep', text: '', what }
    : { path, action: 'create', text: configText(detected), what }
}

function configText({ platform }: Detected): string {
  const lines = [
    `import { defineConfig } from 'maintenance-mode/config'`,
    '',
    '// Every setting: node_modules/maintenance-mode/docs/settings.md',
    'export default defineConfig({',
    `  // ignoreUrls: ['/webhooks/**'],`,
    `  // ignoreIpAddresses: ['203.0.113.7'],`,
  ]
  if (platform?.unshared) {
    const { why, instead } = platform.unshared
    lines.push(`  // A file is not enough, as ${why}: node_modules/maintenance-mode/docs/which-backend.md`)
    lines.push(`  // stateBackend: '${instead}',`)
  }
  return `${[...lines, '})'].join('\n')}\n`
}

/** The file that holds nothing but our lines. */
function ownFile(detected: Detected): PlannedFile[] {
  const { entry, framework } = detected
  if (!entry || entry.exists) return []
  return [{ path: entry.path, action: 'create', text: entryText(detected), what: `where ${framework.name} asks us` }]
}

const pattern = '.maintenance-mode.json*'
const covering = ['.maintenance-mode.json', '.maintenance-mode*', pattern].flatMap((line) => [line, `/${line}`])

/** The nearest in the repository; a new one only where there is a repository. */
function gitignore(project: Project): PlannedFile[] {
  const [repository] = project.upward('.git')
  const root = repository === undefined ? project.folder : dirname(repository)
  const files = project
    .upward('.gitignore')
    .filter((file) => dirname(file) === root || file.startsWith(root + sep))
    .map((file) => relative(project.folder, file))
  const covered = files.find((path) =>
    project
      .read(path)
      .split(/\r?\n/)
      .some((line) => covering.includes(line.trim())),
  )
  const what = 'the state is of this machine alone'
  if (covered !== undefined) return [{ path: covered, action: 'keep', text: '', what }]
  const [path] = files
  if (path !== undefined) {
    const text = project.read(path)
    const eol = text.includes('\r\n') ? '\r\n' : '\n'
    const begin = text === '' || text.endsWith('\n') ? '' : eol
    return [{ path, action: 'append', text: `${begin}${pattern}${eol}`, what }]
  }
  return repository === undefined ? [] : [{ path: '.gitignore', action: 'create', text: `${pattern}\n`, what }]
}

function scripts(project: Project): PlannedFile[] {
  const changed = ignoringScripts(project)
  if (!changed) return []
  const { text, lines } = changed
  const what = 'fastify-cli does not restart the app when the state changes'
  return [{ path: 'package.json', action: 'change', text, changed: lines, what }]
}
