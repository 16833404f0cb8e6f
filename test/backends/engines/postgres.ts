import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import pg from 'pg'
import { type Engine, type EngineUser, signal, standStill, startEngine } from './engine.js'

const debian = '/usr/lib/postgresql'
const places = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  ...(existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : []),
]

const accounts = [
  'CREATE DATABASE site',
  "CREATE ROLE app LOGIN PASSWORD 'p@ss'",
  'GRANT ALL ON DATABASE site TO app',
  'ALTER DATABASE site OWNER TO app',
]

/** A database `site` of the user `app`, whose password is `p@ss`; `postgres` may do everything and has none. */
export async function startPostgres(): Promise<Engine> {
  let data = ''
  const engine = await startEngine({
    command: commandOf('postgres'),
    user: serverUser(),
    prepare(folder, user) {
      data = join(folder, 'data')
      const as = { cwd: folder, ...user }
      const settings = ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync']
      execFileSync(commandOf('initdb'), [...settings, data], { ...as, stdio: 'pipe' })
      writeFileSync(join(data, 'pg_hba.conf'), 'host all app all scram-sha-256\nhost all all all trust\n')
      const input = accounts.join(';\n\n')
      execFileSync(commandOf('postgres'), ['--single', '-j', '-D', data, 'postgres'], { ...as, stdio: 'pipe', input })
    },
    args: (port) => {
      const settings = {
        port,
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        fsync: 'off',
        max_connections: 200,
      }
      return ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
    },
    ready: answers,
  })
  const kill = async (): Promise<void> => {
    const pids = processesOf(data)
    await engine.kill()
    for (const pid of pids) signal(pid, 'SIGKILL')
    rmSync(join(data, 'postmaster.pid'), { force: true })
  }
  return {
    ...engine,
    freeze: () => standStill(processesOf(data)),
    thaw() {
      for (const pid of processesOf(data)) signal(pid, 'SIGCONT')
    },
    kill,
    async stop() {
      await kill()
      await engine.stop()
    },
  }
}

async function answers(port: number): Promise<boolean> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'site' })
  client.on('error', () => {})
  await client.connect()
  await client.end()
  return true
}

/** The server, and the processes that it has started. */
/** Every connection has one of its own. */
function processesOf(data: string): number[] {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return []
  const [server = ''] = readFileSync(file, 'utf8').split('\n')
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', server], { encoding: 'utf8' })
  return [server, ...stdout.trim().split(/\s+/)].map(Number).filter((pid) => pid > 0)
}

/** PgBouncer in transaction mode, before the database `site`: LISTEN is taken, and nothing is heard. */
export function startPgbouncer(postgresPort: number): Promise<Engine> {
  return startEngine({
    command: commandOf('pgbouncer'),
    user: serverUser(),
    args(port, folder) {
      const file = join(folder, 'pgbouncer.ini')
      const settings = {
        listen_addr: '127.0.0.1',
        listen_port: port,
        unix_socket_dir: '',
        auth_type: 'any',
        pool_mode: 'transaction',
        default_pool_size: 2,
      }
      const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
      const database = `site = host=127.0.0.1 port=${postgresPort} dbname=site user=app password='p@ss'`
      writeFileSync(file, ['[databases]', database, '[pgbouncer]', ...lines].join('\n'))
      return [file]
    },
  })
}

/** PostgreSQL and PgBouncer refuse to run as root. */
function serverUser(): EngineUser {
  const [uid, gid] = ['-u', '-g'].map((flag) => {
    try {
      return Number(execFileSync('id', [flag, 'postgres'], { stdio: 'pipe' }))
    } catch {
      return 65534
    }
  }) as [number, number]
  return { uid, gid }
}

function commandOf(name: string): string {
  return places.map((place) => join(place, name)).find(existsSync) ?? name
}
