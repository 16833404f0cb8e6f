import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { FleetInstance } from '../../src/fleet/judgement.js'
import { standStill } from '../backends/engines/engine.js'
import { environment, main, project } from '../cli/fixtures/cli.js'

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name)

/** A real process that serves requests. */
export interface TestInstance {
  id: string
  process: ChildProcess
  url: string
  /** What it answers: 200 or 503. */
  status(): Promise<number>
  freeze(): void
  thaw(): void
  /** As if the machine had lost its power. */
  kill(): Promise<void>
  /** Ends as an app should. */
  close(): Promise<void>
  /** What it has written to its standard error. */
  said(): string
}

const running = new Set<() => Promise<void>>()

// Before their folders are removed, which they would write to.
afterEach(async () => {
  await Promise.all([...running].map((kill) => kill()))
  running.clear()
})

type Variables = Record<string, string>

/** Starts an app that decides by the state at `url`. It is gone after the test. */
export async function startInstance(
  url: string,
  id: string,
  variables: Variables = {},
  script: readonly string[] = ['instance.mjs'],
): Promise<TestInstance> {
  const [name, ...parameters] = script as [string, ...string[]]
  const env = { ...environment, MAINTENANCE_MODE_STATE_BACKEND: url, MAINTENANCE_MODE_INSTANCE_ID: id, ...variables }
  const child = spawn(process.execPath, [fixture(name), ...parameters], {
    cwd: project(),
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  const exited = once(child, 'exit')
  const end = async (signal: 'SIGKILL' | undefined): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    if (signal) child.kill(signal)
    else child.stdin.write('end\n')
    await exited
  }
  running.add(() => end('SIGKILL'))
  const [said] = await Promise.race([once(child.stdout, 'data'), exited.then(() => [`no port: ${errors}`])])
  const port = /^port (\d+)/.exec(String(said))?.[1]
  if (port === undefined) throw new Error(`The instance did not start: ${said}`)
  return {
    id,
    process: child,
    url: `http://127.0.0.1:${port}`,
    status: async () => (await fetch(`http://127.0.0.1:${port}/`)).status,
    freeze: () => standStill([child.pid as number]),
    thaw: () => void child.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    close: () => end(undefined),
    said: () => errors,
  }
}

export interface Ended {
  code: number
  output: string
  errors: string
}

/** Runs the command line beside the instances. */
export function command(url: string, line: string, variables: Variables = {}): Promise<Ended> {
  const env = { ...environment, MAINTENANCE_MODE_STATE_BACKEND: url, ...variables }
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...line.split(' ')], { cwd: project(), env }, (error, output, errors) => {
      resolve({ code: error ? Number(error.code) : 0, output, errors })
    })
  })
}

/** What `fleet --json` prints. */
export async function fleetOf(url: string): Promise<FleetInstance[]> {
  const { output } = await command(url, 'fleet --json')
  return (JSON.parse(output) as { instances: FleetInstance[] }).instances
}

export interface FleetSuiteOptions {
  /** For the names of the tests. */
  name: string
  /** The URL of a state that is still empty. */
  url(): string | Promise<string>
}

/** What a fleet promises, with real processes, on any backend that keeps a list of instances. */
export function fleetSuite({ name, url }: FleetSuiteOptions): void {
  describe(`fleet: ${name}`, { timeout: 60_000 }, () => {
    it('two servers and the command line share nothing but a URL, and `--wait` confirms both', async () => {
      const state = await url()
      const instances = await Promise.all([startInstance(state, 'web-1'), startInstance(state, 'web-2')])
      const on = await command(state, 'on --wait --instances 2 --timeout 10s')
      expect(await Promise.all(instances.map((instance) => instance.status()))).toEqual([503, 503])
      expect(on).toMatchObject({ code: 0, errors: expect.stringMatching(/^(Waiting for .*\n)?$/) })
      expect(on.output).toMatch(/applies to +2 instances: web-1, web-2\n +confirmed +by 2 instances, after \d+m?s\n/)
      expect((await command(state, 'off --wait --timeout 10s')).code).toBe(0)
      expect(await Promise.all(instances.map((instance) => instance.status()))).toEqual([200, 200])
    })

    it('an instance that stands still is named, the mode stays as asked, and it is confirmed when it goes on', async () => {
      const state = await url()
      const [first, second] = await Promise.all([startInstance(state, 'web-1'), startInstance(state, 'web-2')])
      await command(state, 'off --wait --instances 2 --timeout 10s')
      second.freeze()
      const started = performance.now()
      const on = await command(state, 'on --wait --timeout 3s')
      expect(performance.now() - started).toBeGreaterThanOrEqual(3000)
      expect(on.code).toBe(3)
      expect(on.errors).toMatch(
        /^Waiting for 1 of 2 instances: web-2 …\nNot confirmed within 3s: web-2 (knows|decides)/,
      )
      expect(on.errors).not.toContain('web-1')
      expect(on.errors).toContain('The change stands.')
      expect(await first.status()).toBe(503)
      second.thaw()
      expect((await command(state, 'on --wait --timeout 10s')).code).toBe(0)
      expect(await second.status()).toBe(503)
    })

    it('an instance whose pinned mode contradicts is named at once; one that is pinned to the same mode counts', async () => {
      const state = await url()
      await Promise.all([startInstance(state, 'web-1'), startInstance(state, 'pinned', { MAINTENANCE_MODE: 'off' })])
      const on = await command(state, 'on --wait --instances 2')
      expect(on).toMatchObject({
        code: 3,
        errors: expect.stringContaining('pinned contradicts: its mode is pinned to "off"'),
      })
      expect((await command(state, 'off --wait --instances 2')).code).toBe(0)
    })

    it('an instance that ends says good-bye; one that is killed is in the list for a while', async () => {
      const state = await url()
      const [first, second] = await Promise.all([startInstance(state, 'web-1'), startInstance(state, 'web-2')])
      await expect.poll(() => fleetOf(state).then((fleet) => fleet.map(({ id }) => id))).toEqual(['web-1', 'web-2'])
      await first.close()
      expect((await fleetOf(state)).map(({ id }) => id)).toEqual(['web-2'])
      await second.kill()
      expect((await fleetOf(state)).map(({ id }) => id)).toEqual(['web-2'])
      const on = await command(state, 'on --wait --timeout 1s')
      expect(on).toMatchObject({ code: 3, errors: expect.stringContaining('Not confirmed within 1s: web-2 ') })
    })

    it('all that an instance says of itself is seen', async () => {
      const state = await url()
      const instance = await startInstance(state, 'web-1')
      await command(state, 'on --wait --timeout 10s')
      const [seen] = await fleetOf(state)
      expect(seen).toMatchObject({
        id: 'web-1',
        host: expect.any(String),
        process: String(instance.process.pid),
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        document: expect.any(String),
        revision: 1,
        snapshot: 'ready',
        mode: 'on',
        pinned: false,
        at: expect.any(Number),
        settings: expect.stringMatching(/^[0-9a-f]{8}$/),
        verdict: 'confirmed',
        remarks: [],
      })
      expect(Math.abs((seen as FleetInstance).clockDifference ?? 0)).toBeLessThan(2000)
      expect((seen as FleetInstance).age).toBeLessThan(15_000)
      expect(instance.said()).toBe('')
    })
  })
}
