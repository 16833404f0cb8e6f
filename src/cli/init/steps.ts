import { posix } from 'node:path'
import type { Detected } from './detect.js'
import type { Project } from './project.js'

/** Lines to add by hand. */
export interface Step {
  /** Nothing where it is not known. */
  file: string | undefined
  /** Where in it, in words. */
  where: string
  /** The line below which the last ones go. */
  below?: number | undefined
  lines: readonly string[]
}

/** What is to be added by hand to what is there already. */
export function stepsOf(project: Project, detected: Detected): Step[] {
  const { framework, entry, major } = detected
  const besides = framework.besides?.(project, major) ?? []
  if (entry && (!entry.exists || isDone(entry.text))) return [...besides]
  const lines = linesOf(detected, true)
  return [...besides, { file: entry?.path, where: whereOf(detected), below: entry?.anchor?.line, lines }]
}

/** The file that holds the lines and nothing else, where the framework looks for one, and there is none yet. */
export function entryText(detected: Detected): string {
  return `${linesOf(detected, false).join('\n')}\n`
}

/** Whether the app uses the package already. */
export function isDone(text: string): boolean {
  return /['"]maintenance-mode(\/[\w-]+)?['"]/.test(text)
}

function whereOf({ framework: { where }, entry }: Detected): string {
  const anchor = entry?.anchor
  if (where !== undefined) return anchor === undefined ? where : `${where} (line ${anchor.line})`
  const place = anchor === undefined ? 'below the app' : `below line ${anchor.line}, \`${anchor.text}\``
  return `the last line ${place}, in front of everything else, the others at the top`
}

function linesOf(detected: Detected, exists: boolean): string[] {
  const { framework, entry, typescript } = detected
  const { adapter, imports, bundled } = framework
  const lines = [...framework.lines({ app: entry?.anchor?.app ?? 'app', path: entry?.path ?? '', exists })]
  if (imports === undefined) return lines
  const file = configImport(detected)
  const name = lines.some((line) => line.includes('maintenanceConfig')) ? 'maintenanceConfig' : 'config'
  const names = lines.some((line) => line.includes('chain(')) ? `chain, ${imports}` : imports
  const isModule = bundled || typescript || isEsModule(detected)
  const above = isModule
    ? [`import { ${names} } from 'maintenance-mode/${adapter}'`, `import ${name} from '${file}'`]
    : [
        `const { ${names} } = require('maintenance-mode/${adapter}')`,
        `const ${detected.isModule || file.endsWith('.mjs') ? `{ default: ${name} }` : name} = require('${file}')`,
      ]
  return [...above, '', ...lines]
}

function isEsModule({ entry, isModule }: Detected): boolean {
  const { path = '', text = '' } = entry ?? {}
  return !path.endsWith('.cjs') && (isModule || path.endsWith('.mjs') || /^\s*import\s/m.test(text))
}

/** The config file, as seen from the file that imports it. */
function configImport({ framework, entry, config, typescript, ending }: Detected): string {
  const path = posix.relative(posix.dirname(entry?.path ?? config), config)
  const relative = path.startsWith('.') ? path : `./${path}`
  if (!typescript) return relative
  return relative.replace(/\.ts$/, framework.bundled ? '' : ending)
}
