import { messageOf } from '../errors.js'
import type { SqlTrouble } from './sql.js'

const hints: Readonly<Record<string, string>> = {
  SQLITE_CANTOPEN:
    'Is its folder there, and may this user write in it? SQLite keeps a log beside the file, for reading too.',
  SQLITE_NOTADB: 'That file is something else than a SQLite database: name another. Nothing was changed.',
  SQLITE_READONLY: 'Let this user write the file and its folder.',
  SQLITE_BUSY: 'Another program has kept it locked for 5 s.',
  SQLITE_CORRUPT: 'Put a copy from a backup in its place, with the files named -wal and -shm removed.',
  SQLITE_FULL: 'Make room on that disk.',
}

/** SQLite has one code for all that is wrong with a statement. */
const troubles: readonly (readonly [RegExp, SqlTrouble])[] = [
  [/no such table/, 'no-table'],
  [/already exists/, 'table-exists'],
  [/no such column|has no column named|constraint failed|cannot modify/, 'other-table'],
]

export function sqliteTrouble(error: unknown): SqlTrouble | undefined {
  return troubles.find(([words]) => words.test(messageOf(error)))?.[1]
}

/** What to do about an error. */
export function sqliteHint(error: unknown): string | undefined {
  return hints[codeOf(error)]
}

export function isBusy(error: unknown): boolean {
  return ['SQLITE_BUSY', 'SQLITE_LOCKED'].includes(codeOf(error))
}

/** Primary result codes by their number: not every client names them. */
const codes: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
}

/** The primary result code, `SQLITE_BUSY` for one; empty for other errors. */
function codeOf(error: unknown): string {
  const { code, errcode, message } = error as { code?: unknown; errcode?: unknown; message?: unknown }
  const [named] = /^SQLITE_[A-Z]+/.exec(String(code)) ?? []
  if (named) return named
  if (typeof errcode === 'number') return codes[errcode & 0xff] ?? ''
  // libsql gives the number in words, better-sqlite3 looks for the folder itself.
  if (/: 14"?\)?$|directory does not exist/.test(String(message))) return 'SQLITE_CANTOPEN'
  return ''
}
