import type { Outcome, Row } from '../outcome.js'
import { printable } from '../output.js'
import type { Detected } from './detect.js'
import type { PlannedFile } from './files.js'
import type { Manager } from './manager.js'
import type { Project } from './project.js'
import type { Step } from './steps.js'
import { watcherNotes } from './watchers.js'

/** What there is to say. */
export interface Told {
  project: Project
  detected: Detected
  files: readonly PlannedFile[]
  steps: readonly Step[]
  manager: Manager
}

/** What the check has found. */
export type Check = { problem: string } | { settings: readonly string[]; state: string }

type End = 'written' | 'kept' | 'printed' | 'declined' | 'nobody to ask'

const headlines: Readonly<Record<End, string>> = {
  written: 'The files are written',
  kept: 'Nothing had to be written',
  printed: 'Nothing is written: this is what would be',
  declined: 'Nothing is written',
  'nobody to ask': 'Nothing is written, as there is no terminal to ask on: with --yes this would be',
}

const actions = {
  create: ['created', 'would-create'],
  append: ['appended', 'would-append'],
  change: ['changed', 'would-change'],
  keep: ['kept', 'kept'],
} as const

export function tell(told: Told, end: End, check?: Check): Outcome {
  const { detected, files, steps } = told
  const written = end === 'written' || end === 'kept'
  const problem = check && 'problem' in check ? check.problem : undefined
  const checked = check && 'problem' in check ? undefined : check
  const done = files.map(({ path, action, text, what }) => ({
    path,
    action: actions[action][written ? 0 : 1],
    text,
    what,
  }))
  const notes = notesOf(told, checked?.state)
  const rows: Row[] = [
    ['found', foundText(detected)],
    ...done.map(({ path, action, what }): Row => [action.replace('-', ' '), `${path}: ${what}`]),
    ...notes.map((note): Row => ['mind', note, 'loud']),
  ]
  if (checked) {
    rows.push(['checked', `the settings are valid: ${['the environment', ...checked.settings].join(', ')}`])
    rows.push(['state', checked.state])
  }
  const { adapter, page = adapter } = detected.framework
  rows.push(['more', `node_modules/maintenance-mode/docs/adapters/${page}.md`])
  return {
    headline: `${headlines[end]}${leftText(told, end)}`,
    closed: false,
    rows,
    next: end === 'declined' ? undefined : nextText(told, written),
    problem,
    problemCode: 'ERR_MAINTENANCE_SETTING',
    data: {
      framework: detected.framework.name,
      adapter: `maintenance-mode/${detected.framework.adapter}`,
      version: detected.version,
      platform: detected.platform?.name,
      language: languageOf(detected),
      written: end === 'written',
      files: done,
      steps,
      notes,
      checks: checked,
    },
  }
}

function leftText({ steps }: Told, end: End): string {
  if (end !== 'written' && end !== 'kept') return ''
  return steps.length > 0 ? '; the lines below are left to add' : ', and nothing is left to add'
}

function languageOf({ typescript }: Detected): string {
  return typescript ? 'TypeScript' : 'JavaScript'
}

function foundText(detected: Detected): string {
  const { framework, version, platform } = detected
  const name = version === undefined ? framework.name : `${framework.name} ${version}`
  return `${name}, ${languageOf(detected)}${platform ? `, ${platform.name}` : ''}`
}

function notesOf({ project, detected }: Told, state: string | undefined): string[] {
  const { framework, version, verdict, platform } = detected
  const own = framework.notes?.(project).filter((note) => note !== false) ?? []
  const notes = [...own, ...watcherNotes(project)]
  if (verdict === 'newer') {
    notes.unshift(`${framework.name} ${version} is newer than what is tested: ${framework.supported}`)
  }
  if (platform?.unshared && (state === undefined || state.startsWith('file:'))) {
    notes.unshift(
      `one state file is not enough, as ${platform.unshared.why}: set \`stateBackend\` (node_modules/maintenance-mode/docs/which-backend.md)`,
    )
  }
  return notes
}

function nextText({ project, detected, files, steps, manager }: Told, written: boolean): string {
  const { framework, platform } = detected
  const port = (framework.bundled ? undefined : platform?.port) ?? framework.port?.(project) ?? 3000
  const texts = written ? [] : files.filter(({ action }) => action !== 'keep')
  const blocks = [
    ...texts.map(({ path, text, changed }) => block(`${path}:`, changed ?? text.trim().split('\n'))),
    ...steps.map(({ file, where, lines }) =>
      block(`Add to ${file ?? 'the file that makes your app'}, ${where}:`, lines),
    ),
    block(`Then start the app${startText(project, manager)}, and try it:`, [
      `${manager.run}maintenance-mode on --for 5m`,
      `curl -i http://localhost:${port}/`,
      `${manager.run}maintenance-mode off`,
    ]),
  ]
  return `\n${blocks.join('\n\n')}`
}

function startText({ manifest: { scripts = {} } }: Project, { script }: Manager): string {
  const name = ['dev', 'start:dev', 'start'].find((name) => name in scripts)
  return name === undefined ? '' : ` (\`${script}${name}\`)`
}

function block(title: string, lines: readonly string[]): string {
  return [title, '', ...lines.map((line) => (line === '' ? '' : `    ${line}`))].map(printable).join('\n')
}
