import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { expect, vi } from 'vitest'

const execute = promisify(execFile)

export interface CommandLine {
  cwd: string
  env: NodeJS.ProcessEnv
  /** What runs the command line: a program, and words before those of the command. */
  cli: readonly [string, ...string[]]
}

/** Waits for the address that a server prints, closes it by the command line, reopens it, and ends it. */
export async function closesAndReopens(server: ChildProcess, { cwd, env, cli }: CommandLine): Promise<void> {
  const [program, ...words] = cli
  const command = (...args: string[]) => execute(program, [...words, ...args], { cwd, env })
  try {
    const url = await addressOf(server)
    const answers = (status: number) =>
      vi.waitFor(async () => expect((await fetch(url)).status).toBe(status), { timeout: 10_000 })
    await answers(200)
    await command('on', '--reason', 'Trying it')
    await answers(503)
    expect(await (await fetch(url)).text()).toContain('Trying it')
    await command('off')
    await answers(200)
  } finally {
    const exited = server.exitCode === null ? once(server, 'exit') : undefined
    server.kill()
    await exited
  }
}

function addressOf(server: ChildProcess): Promise<string> {
  let said = ''
  return new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error(`It ended: ${said}`)))
    server.stdout?.on('data', (part) => {
      said += part
      const [, port] = /http:\/\/\S+?:(\d+)/.exec(said) ?? []
      if (port) resolve(`http://localhost:${port}/`)
    })
  })
}
