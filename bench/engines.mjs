// Database servers for the bench, on free ports and with data that is thrown away.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export const startRedis = () =>
  start(
    'redis-server',
    (port, folder) => ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--save', ''],
    (port) => `redis://127.0.0.1:${port}`,
  )

export const startNats = () =>
  start(
    'nats-server',
    (port, folder) => ['-a', '127.0.0.1', '-p', port, '-js', '-sd', folder],
    (port) => `nats://127.0.0.1:${port}`,
  )

export function startPostgres() {
  const user = process.getuid() === 0 ? idOf('postgres') : {}
  return start(
    find('postgres'),
    (port, folder) => {
      if (user.uid) chownSync(folder, user.uid, user.gid)
      const data = join(folder, 'data')
      const made = spawnSync(find('initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '-N'], { cwd: folder, ...user })
      if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
      const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200']
      return ['-D', data, '-p', port, ...settings.flatMap((setting) => ['-c', setting])]
    },
    (port) => `postgres://bench@127.0.0.1:${port}/postgres`,
    user,
  )
}

async function start(command, argsOf, urlOf, user = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-bench-'))
  const port = await freePort()
  const child = spawn(command, argsOf(String(port), folder), { cwd: folder, stdio: 'ignore', ...user })
  const ended = once(child, 'exit')
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (tries > 600 || child.exitCode !== null) throw new Error(`${command} did not start.`)
    await delay(50)
  }
  // Postgres accepts connections before it serves them.
  await delay(500)
  return {
    url: urlOf(port),
    async stop() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function find(command) {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : []
  const folders = [...versions, ...(process.env.PATH ?? '').split(delimiter)]
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path)) ?? command
}

function idOf(name) {
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout))
  return uid ? { uid, gid } : { uid: 65534, gid: 65534 }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    const done = (is) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
}
