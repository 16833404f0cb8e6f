import { closesAndReopens } from '../examples/switching.js'
import type { Project } from './project.js'

/** Starts the example that a project begins with as its users do, and switches it by the command line in its folder. */
export async function exampleIsSwitched(project: Project): Promise<void> {
  const site = await project.serve({}, 'npm', 'start')
  await closesAndReopens(site, (...words) => project.run('maintenance-mode', ...words))
}
