import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real server of a database, started for one test file, with data that is thrown away. */
export interface Engine {
  readonly port: number
  /** Everything that answers stops answering, connections stay. */
  freeze(): void
  thaw(): void
  /** Ends at once, as in a crash. */
  kill(): Promise<void>
  /** Starts again on the same port, with the data that it had. */
  start(): Promise<void>
  /** Ends, and removes the data. */
  stop(): Promise<void>
}

export interface EngineDefinition {
  command: string
  /** May write files of configuration into the folder. */
  args(port: number, folder: string): readonly string[]
  /** Prepares the data once. */
  prepare?(folder: string, user: EngineUser | undefined): void
  /** Whether it answers; asked again until it does. Default: it accepts connections. */
  ready?(port: number): Promise<boolean>
  /** Servers that refuse to run as root get another user. */
  user?: EngineUser
}

export interface EngineUser {
  uid: number
  gid: number
}

const startTimeout = 60_000

export async function startEngine(definition: EngineDefinition): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-engine-'))
  const user = process.getuid?.() === 0 ? definition.user : undefined
  if (user) chownSync(folder, user.uid, user.gid)
  definition.prepare?.(folder, user)
  const port = await freePort()
  let child: ChildProcess | undefined
  let output = ''

  const start = async (): Promise<void> => {
    const started = spawn(definition.command, definition.args(port, folder), { cwd: folder, ...user, stdio: 'pipe' })
    child = started
    const note = (data: Buffer): void => {
      output = (output + data).slice(-4000)
    }
    started.stdout?.on('data', note)
    started.stderr?.on('data', note)
    const deadline = Date.now() + startTimeout
    while (!(await (definition.ready ?? accepts)(port).catch(() => false))) {
      if (started.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${definition.command} did not start: ${output}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }

  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  // A run that is cut short must not leave a server behind.
  const atExit = (): void => void child?.kill('SIGKILL')
  process.once('exit', atExit)
  await start()
  return {
    port,
    freeze: () => standStill(child?.pid ? [child.pid] : []),
    thaw: () => void child?.kill('SIGCONT'),
    kill,
    start,
    async stop() {
      process.off('exit', atExit)
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Stops processes, and returns when all of them stand still. */
export function standStill(pids: readonly number[]): void {
  for (const pid of pids) signal(pid, 'SIGSTOP')
  while (pids.some(isRunning)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

/** Whether any thread has not yet followed a signal to stop. */
function isRunning(pid: number): boolean {
  const threads = `/proc/${pid}/task`
  try {
    return readdirSync(threads).some((thread) => !/\) [TZX] /.test(readFileSync(join(threads, thread, 'stat'), 'utf8')))
  } catch {
    // One has ended in between; or there is no such folder on this system.
    return existsSync(threads)
  }
}

/** Below those that the system hands out by itself: one of them could be taken while a server is down. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    const done = (is: boolean): void => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })
}
