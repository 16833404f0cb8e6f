// The real servers that the tests of the state backends run against, from Debian's packages.
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ensureDebian } from './setup.mjs'

const debianPostgres = '/usr/lib/postgresql'
const postgresFolders = existsSync(debianPostgres)
  ? readdirSync(debianPostgres).map((version) => join(debianPostgres, version, 'bin'))
  : []

const engines = [
  { command: 'redis-server', debian: 'redis-server', tests: 'test/**/{redis,upstash}*.test.ts' },
  { command: 'postgres', debian: 'postgresql', tests: 'test/**/postgres*.test.ts' },
  { command: 'pgbouncer', debian: 'pgbouncer', tests: 'test/**/postgres-pooler.test.ts' },
  { command: 'mariadbd', debian: 'mariadb-server', tests: 'test/**/mysql*.test.ts' },
  { command: 'nats-server', debian: 'nats-server', tests: 'test/**/nats*.test.ts' },
]

const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin', ...postgresFolders]
const isHere = ({ command }) => places.some((folder) => existsSync(join(folder, command)))

/**
 * Installs the servers that are missing, where that can be done. What cannot be had is said, and its tests are left out:
 * resolves to their patterns. In CI that is a failure.
 */
export function ensureEngines() {
  const missing = engines.filter((engine) => !isHere(engine))
  if (missing.length === 0) return []
  try {
    ensureDebian(...missing.map(({ debian }) => debian))
    return []
  } catch (error) {
    if (process.env.CI) throw error
    for (const { command, debian, tests } of missing) {
      console.log(`Skipped: ${tests}, as there is no ${command} here. Install Debian's package ${debian}.`)
    }
    return missing.map(({ tests }) => tests)
  }
}
