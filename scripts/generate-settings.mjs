// Writes what is made from the one table of settings, the TypeScript options and the reference page, and what says which
// version this is.
// `--check` writes nothing and fails if they are not as the table says.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { settingsTable: definitions } = await import('../dist/settings/table.js')
const { settingsReference } = await import('../dist/settings/reference.js')
const { variableOf } = await import('../dist/settings/environment.js')

const settingsTable = definitions.map((setting) => ({ ...setting, ...settingsReference[setting.name] }))

const defaultOf = ({ default: value, defaultText }) =>
  defaultText ??
  (value === undefined ? 'none' : `\`${typeof value === 'string' ? `'${value}'` : JSON.stringify(value)}\``)

const property = (setting, type, optional) =>
  `  /** ${setting.doc} Default: ${defaultOf(setting)}. */\n  ${setting.name}${optional ? '?' : ''}: ${type}${optional ? ' | undefined' : ''}\n`

const options = `// Made from settings/table.ts by scripts/generate-settings.mjs: change the table, not this file.
import type { StateBackend } from '../backends/backend.js'
import type { Decision } from '../decision/decision.js'
import type { ScopeDefinition, TenantDefinition } from '../decision/scopes.js'
import type { Reply } from '../reply/reply.js'
import type { MaintenanceRequest, MaintenanceUser } from '../request/request.js'
import type { Mode } from '../state/window.js'
import type { NotifyTarget } from '../telemetry/notifier.js'
import type { Logger } from '../telemetry/warnings.js'

/** What the operator may write: \`createMaintenance(options)\` or the config file. */
export interface MaintenanceOptions {
${settingsTable.map((setting) => property(setting, wrap(setting.kind.optionType), true)).join('\n')}}

/** The settings once they have been checked. Durations are milliseconds. */
export interface Settings {
${settingsTable.map((setting) => `  ${setting.name}: ${setting.kind.resolvedType}\n`).join('')}}
`

function wrap(type) {
  return type.includes('=>') ? `(${type})` : type
}

const groups = [...new Set(settingsTable.map((setting) => setting.group))]
const reference = `# Settings

<!-- Made from src/settings/table.ts by scripts/generate-settings.mjs: change the table, not this page. -->

Every setting can be given three ways; the first that is there counts:

1. in the environment, under the name in the second column;
2. as an option in code: \`createMaintenance({ … })\`;
3. in \`maintenance-mode.config.{ts,mts,js,mjs,json}\`, which the command line finds by itself and an app imports.

Values in the environment: lists are comma-separated or JSON; booleans \`true/false/1/0/yes/no/on/off\`; durations \`90s\`, \`15m\`,
\`1h30m\`, \`7d\`, \`2w\`, ISO 8601 \`PT1H30M\`, or plain seconds; functions and backends \`./file.js#exportName\`, counted from the
folder of the nearest package.json; an empty variable counts as not given. A value that cannot be meant stops the start with a message that says what to write;
an unknown option is an error, an unknown \`MAINTENANCE_MODE_…\` variable a warning.

${groups
  .map(
    (group) => `## ${group[0].toUpperCase()}${group.slice(1)}

| option | environment | default | meaning |
|---|---|---|---|
${settingsTable
  .filter((setting) => setting.group === group)
  .map(
    (setting) =>
      `| \`${setting.name}\` | \`${variableOf(setting.name)}\` | ${defaultOf(setting)} | ${setting.doc.replaceAll('|', '\\|')} |`,
  )
  .join('\n')}
`,
  )
  .join('\n')}`

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const ofPackage = `// Made from package.json by scripts/generate-settings.mjs: where there are no files, no package.json can be read.
export const version = '${version}'
`

let stale = false
for (const [file, text] of [
  ['src/settings/options.ts', options],
  ['docs/settings.md', reference],
  ['src/version.ts', ofPackage],
]) {
  const path = join(root, file)
  const formatted = file.endsWith('.ts')
    ? execFileSync(join(root, 'node_modules/.bin/biome'), ['format', `--stdin-file-path=${file}`], {
        input: text,
        encoding: 'utf8',
        cwd: root,
      })
    : text
  let before = ''
  try {
    before = readFileSync(path, 'utf8')
  } catch {}
  if (before === formatted) continue
  stale = true
  if (process.argv.includes('--check'))
    console.error(`${file} is not as src/settings/table.ts and package.json say: run \`npm run generate\`.`)
  else {
    writeFileSync(path, formatted)
    console.log(`wrote ${file}`)
  }
}
if (stale && process.argv.includes('--check')) process.exit(1)
