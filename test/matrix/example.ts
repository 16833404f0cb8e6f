import { expect } from 'vitest'
import type { Project } from './project.js'

/** Starts an example as its users do, closes it by the command line in its folder, and opens it again. */
export async function closesAndReopens(project: Project): Promise<void> {
  const site = await project.serve({}, 'npm', 'start')
  const until = (status: number): Promise<unknown> =>
    expect.poll(async () => (await fetch(site.url)).status, { timeout: 20_000, interval: 100 }).toBe(status)
  try {
    await until(200)
    await project.run('maintenance-mode', 'on')
    await until(503)
    await project.run('maintenance-mode', 'off')
    await until(200)
  } finally {
    await site.close()
  }
}
