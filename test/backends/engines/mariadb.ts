import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { type Engine, startEngine } from './engine.js'

/** A database `site`, and a user `app` with the password `p@ss` who may do everything in it; `root` has no password. */
const accounts = `
CREATE DATABASE IF NOT EXISTS site;
CREATE USER IF NOT EXISTS app IDENTIFIED BY 'p@ss';
GRANT ALL ON site.* TO app;
`

/** Debian has no MySQL server: MariaDB speaks its protocol. */
export function startMariadb(): Promise<Engine> {
  const common = ['--no-defaults', `--user=${userInfo().username}`, '--innodb-log-file-size=4M']
  return startEngine({
    command: 'mariadbd',
    args: (port, folder) => [
      ...common,
      `--datadir=${join(folder, 'data')}`,
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--init-file=${join(folder, 'accounts.sql')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
    ],
    prepare(folder) {
      writeFileSync(join(folder, 'accounts.sql'), accounts)
      const install = [
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        `--datadir=${join(folder, 'data')}`,
      ]
      execFileSync('mariadb-install-db', [...common, ...install], { stdio: 'pipe' })
    },
  })
}
