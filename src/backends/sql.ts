import type { MaintenanceError } from '../errors.js'
import type { PresenceSighting, StateBackend } from './backend.js'
import { comparedAccess } from './compared.js'
import { backendFailure } from './failure.js'

// The state and the instances in two tables, alike in every SQL database. A backend gives
// - a `SqlClient`, which connects when it is first used; values stand where a statement has its `?`, in this order;
// - a `SqlDialect`, what its database writes in another way, and what its errors mean.
// Nothing is created by reading: a table that is missing holds nothing.

export type SqlValue = string | number

export interface SqlClient {
  run(statement: string, values: readonly SqlValue[]): Promise<SqlResult>
}

export interface SqlResult {
  rows: readonly Readonly<Record<string, unknown>>[]
  /** How many rows the statement has inserted, updated or deleted. */
  changed: number
}

export interface SqlDialect {
  /** Types of columns: a name of up to 160 characters that can be a key, compared by case; a text without limit; 64 bits. */
  types: { name: string; text: string; integer: string }
  /** What follows a table's columns. */
  tableOptions?: string
  /** `UNLOGGED`: a kind of table for what may be lost in a crash, and costs less. */
  fleetingTable?: string
  /** The server's own time, in whole milliseconds since the epoch. */
  now: string
  /** Inserts a row where none has this primary key, and changes nothing where one has: `into` is `table (columns) VALUES (…)`. */
  insertNew(into: string): string
  /** Inserts a row, or gives the one with this primary key the new values of these columns. */
  insertOrUpdate(into: string, key: readonly string[], columns: readonly string[]): string
  /** Whether `RETURNING` may follow. */
  returning?: boolean
  trouble(error: unknown): SqlTrouble | undefined
  /** What to do about any other error. */
  hint(error: unknown): string | undefined
}

/** `table-exists`: somebody else was quicker to create it. `other-table`: it has other columns. */
export type SqlTrouble = 'no-table' | 'table-exists' | 'other-table' | 'not-allowed'

export interface SqlPlace {
  address: string
  key: string
  client: SqlClient
  dialect: SqlDialect
  /** Runs the statement that stores a document, and tells others of it; resolves to how many rows it changed. */
  store?(statement: string, values: readonly SqlValue[], document: string): Promise<number>
}

export interface SqlAccess extends Required<Pick<StateBackend, 'read' | 'write' | 'presence'>> {
  /** An error of the database, for people. */
  failure(doing: string, error: unknown): MaintenanceError
}

export const stateTable = 'maintenance_mode'
const instanceTable = 'maintenance_mode_instances'

/** The name of the state with this key, in the tables and elsewhere. */
export function stateName(key: string): string {
  return key === '' ? 'maintenance-mode' : `maintenance-mode:${key}`
}

/** The statements that create the tables. They are in the docs, for those whose app may not create tables. */
export function sqlMigration({ types, tableOptions = '', fleetingTable = '' }: SqlDialect): string[] {
  const create = (table: string, columns: readonly string[], kind = ''): string =>
    `CREATE ${kind && `${kind} `}TABLE IF NOT EXISTS ${table} (\n  ${columns.join(',\n  ')}\n)${tableOptions && ` ${tableOptions}`}`
  return [
    create(stateTable, [
      `name ${types.name} NOT NULL PRIMARY KEY`,
      `document ${types.text} NOT NULL`,
      `version ${types.integer} NOT NULL`,
    ]),
    create(
      instanceTable,
      [
        `name ${types.name} NOT NULL`,
        `id ${types.name} NOT NULL`,
        `text ${types.text} NOT NULL`,
        `announced_at ${types.integer} NOT NULL`,
        `expires_at ${types.integer} NOT NULL`,
        'PRIMARY KEY (name, id)',
      ],
      fleetingTable,
    ),
  ]
}

/** Every how many times that an instance announces itself, it removes what has expired. */
const cleaningInterval = 12

/** Reading, writing and presence as the contract of a backend has it. */
export function sqlAccess({ address, key, client, dialect, store }: SqlPlace): SqlAccess {
  const { now } = dialect
  const name = stateName(key)
  const failure = (doing: string, error: unknown): MaintenanceError =>
    backendFailure(address, doing, error, hintFor(dialect, error))

  async function unlessMissing<Result>(absent: Result, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (dialect.trouble(error) === 'no-table') return absent
      throw error
    }
  }

  async function creating<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (dialect.trouble(error) !== 'no-table') throw error
      for (const statement of sqlMigration(dialect)) {
        await client.run(statement, []).catch((refused) => {
          if (dialect.trouble(refused) !== 'table-exists') throw refused
        })
      }
      return work()
    }
  }

  const insert = dialect.insertNew(`${stateTable} (name, document, version) VALUES (?, ?, 1)`)
  const update = `UPDATE ${stateTable} SET document = ?, version = version + 1 WHERE name = ? AND version = ?`
  const change = store ?? (async (statement, values) => (await client.run(statement, values)).changed)

  const slot = comparedAccess<SqlValue>(
    address,
    {
      load: () =>
        unlessMissing(undefined, async () => {
          const { rows } = await client.run(`SELECT document, version FROM ${stateTable} WHERE name = ?`, [name])
          return rows[0] && { text: String(rows[0].document), token: rows[0].version as SqlValue }
        }),
      async swap(text, version) {
        const changed =
          version === undefined
            ? await creating(() => change(insert, [name, text], text))
            : await change(update, [text, name, version], text)
        return changed === 1
      },
      async keepAside(text) {
        const copy = `${name}:damaged:${new Date().toISOString()}:${Math.random().toString(36).slice(2, 6)}`
        await client.run(insert, [copy, text])
        return `the row "${copy}" of the table ${stateTable}`
      },
    },
    failure,
  )

  const columns = ['text', 'announced_at', 'expires_at']
  const into = `${instanceTable} (name, id, text, announced_at, expires_at) VALUES (?, ?, ?, ${now}, ${now} + ?)`
  const announce = dialect.insertOrUpdate(into, ['name', 'id'], columns)
  const announceAndTell = dialect.returning ? `${announce} RETURNING announced_at AS now` : announce
  const listing = `SELECT id, text, ${now} - announced_at AS age FROM ${instanceTable} WHERE name = ? AND expires_at > ${now}`
  let announced = 0

  return {
    ...slot,
    failure,
    presence: {
      async announce({ id, text }, ttl) {
        try {
          const { rows } = await creating(() => client.run(announceAndTell, [name, id, text, ttl]))
          if (announced++ % cleaningInterval === 0) {
            await client.run(`DELETE FROM ${instanceTable} WHERE name = ? AND expires_at <= ${now}`, [name])
          }
          const told = dialect.returning ? rows : (await client.run(`SELECT ${now} AS now`, [])).rows
          return Number(told[0]?.now)
        } catch (error) {
          throw failure('written', error)
        }
      },
      async list() {
        try {
          const { rows } = await unlessMissing({ rows: [], changed: 0 }, () => client.run(listing, [name]))
          return rows.map(({ id, text, age }): PresenceSighting => {
            return { id: String(id), text: String(text), age: Math.max(0, Number(age)) }
          })
        } catch (error) {
          throw failure('read', error)
        }
      },
      async leave(id) {
        const goodbye = `DELETE FROM ${instanceTable} WHERE name = ? AND id = ?`
        try {
          await unlessMissing(undefined, async () => void (await client.run(goodbye, [name, id])))
        } catch (error) {
          throw failure('written', error)
        }
      },
    },
  }
}

function hintFor(dialect: SqlDialect, error: unknown): string | undefined {
  switch (dialect.trouble(error)) {
    case 'other-table':
      return `The table ${stateTable} or ${instanceTable} there is something else: use another database, or rename that table. Nothing was changed.`
    case 'not-allowed':
      return `Let an administrator create the tables, and let this user read and write them: ${sqlMigration(dialect).join('; ').replace(/\s+/g, ' ')};`
    default:
      return dialect.hint(error)
  }
}
