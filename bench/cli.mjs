// How long `maintenance-mode status` takes, against a Node that does nothing.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atMost, interleave, median, monotonic, ratios, spread } from './measure.mjs'

const rounds = 25
const root = fileURLToPath(new URL('..', import.meta.url))
const command = join(root, 'dist/cli/main.js')
const defined = `import { defineConfig } from 'maintenance-mode/config'\nexport default defineConfig({ ignoreStaff: true })\n`
const nothing = '`node -e 0`'

const configs = {
  'no config': undefined,
  'JSON config': ['maintenance-mode.config.json', '{ "ignoreStaff": true }\n'],
  'JavaScript config, a plain object': ['maintenance-mode.config.js', 'export default { ignoreStaff: true }\n'],
  'JavaScript config with `defineConfig`': ['maintenance-mode.config.js', defined],
  'TypeScript config with `defineConfig`': ['maintenance-mode.config.ts', defined],
}

export async function cli() {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-bench-'))
  try {
    const runs = [
      [nothing, ['-e', '0'], folder],
      ['`node -e 0` again (A/A)', ['-e', '0'], folder],
    ]
    for (const [title, config] of Object.entries(configs)) {
      runs.push([title, [command, 'status'], project(join(folder, String(runs.length)), config)])
    }
    const times = Object.fromEntries(runs.map(([title]) => [title, []]))
    await interleave(rounds, runs, ([title, args, cwd]) => times[title].push(timed(args, cwd)))

    const rows = [['command', 'wall time, ms', 'as long as `node -e 0`']]
    const bars = []
    for (const [title] of runs) {
      const longer = ratios(times[title], times[nothing])
      rows.push([title, median(times[title]).toFixed(0), spread(longer, 2)])
      if (/^no|^J/.test(title)) bars.push(atMost(`status, ${title}`, median(longer), 2.5))
    }
    return { title: 'Start of the command line', rows, bars, raw: times }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A folder as an app has it, with this package installed. */
function project(folder, config) {
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules/maintenance-mode'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  if (config) writeFileSync(join(folder, config[0]), config[1])
  return folder
}

function timed(args, cwd) {
  // What slows an empty program down as well, certificates of a company for one, would flatter.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(MAINTENANCE_MODE|NODE)_/.test(name)),
  )
  const before = monotonic()
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return monotonic() - before
}
