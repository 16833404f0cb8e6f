import { relative, resolve, sep } from 'node:path'
import { MaintenanceError, messageOf } from '../errors.js'
import { findConfigFile, loadConfigFile } from '../settings/config-file.js'
import { resolveSettings } from '../settings/resolve.js'
import type { WithContext } from './commands.js'
import type { CommonOptions } from './context.js'
import { isConfirmed } from './init/confirm.js'
import { type Detected, detect } from './init/detect.js'
import { planFiles } from './init/files.js'
import { managerOf } from './init/manager.js'
import { openProject, type Project } from './init/project.js'
import { stepsOf } from './init/steps.js'
import { type Check, type Told, tell } from './init/tell.js'
import { majorOf } from './init/version.js'
import { writeFiles } from './init/write.js'
import type { Outcome } from './outcome.js'
import { wrongUsage } from './output.js'

export interface InitOptions extends CommonOptions {
  yes?: boolean
  print?: boolean
}

const misused = 2

/** Sets up a project: looks at what is there, writes what is missing, says what to add, and checks the result. */
export async function init(options: InitOptions, withContext: WithContext): Promise<Outcome> {
  const { yes, print, json, via } = options
  if (via !== undefined) throw wrongUsage('`init` sets up what is here, so there is nothing to reach with --via.')
  const project = openProject()
  const detected = detect(project, configOf(project, options))
  assertSupported(project, detected)

  const files = planFiles(project, detected)
  const told: Told = { project, detected, files, steps: stepsOf(project, detected), manager: managerOf(project) }
  if (print) return tell(told, 'printed')
  const missing = files.some(({ action }) => action !== 'keep')
  if (missing && !yes) {
    const asked = !json && process.stdin.isTTY && process.stdout.isTTY
    if (!asked) return { ...tell(told, 'nobody to ask'), exitCode: misused }
    if (!(await isConfirmed(files))) return tell(told, 'declined')
  }
  writeFiles(project.folder, files)
  return tell(told, missing ? 'written' : 'kept', await check(project, told, options, withContext))
}

/** @throws MaintenanceError for a framework that is older than what is supported */
function assertSupported(project: Project, { framework, version, major, verdict }: Detected): void {
  if (verdict !== 'older') return
  const { name, supported, packages } = framework
  const majors = supported.split('||').map(majorOf)
  const nearest = majors.find((one) => one === major) ?? majors.at(-1)
  throw new MaintenanceError(
    'ERR_MAINTENANCE_UNSUPPORTED',
    `${name} ${version} is older than what is supported: ${supported}. Nothing is written. Upgrade it (\`${managerOf(project).add}${packages[0]}@${nearest}\`), or close the site in front of it: node_modules/maintenance-mode/docs/adapters/node.md.`,
  )
}

/** As every command finds it: not that of another project around this one. */
function configOf({ folder }: Project, { config }: InitOptions): string | undefined {
  if (config !== undefined) return resolve(config)
  const found = findConfigFile(process.cwd())
  return found === undefined || relative(folder, found).startsWith(`..${sep}`) ? undefined : found
}

/** Whether all of this leads anywhere: what is wrong is said with what to do. */
async function check(
  project: Project,
  { manager }: Told,
  options: InitOptions,
  withContext: WithContext,
): Promise<Check> {
  // Deno keeps packages elsewhere.
  if (project.installed('maintenance-mode') === undefined && !('deno' in process.versions)) {
    return {
      problem: `maintenance-mode is not installed in ${project.folder}: \`${manager.add}maintenance-mode\`, and run \`init\` again.`,
    }
  }
  try {
    return await withContext(options, async ({ store, files: settings }) => {
      const config = settings[0]
      if (config !== undefined) resolveSettings(await loadConfigFile(config), process.env)
      await store.read()
      return { settings, state: store.backend.address }
    })
  } catch (error) {
    return { problem: messageOf(error) }
  }
}
