import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for temporary files of this run alone: an app keeps what it knew last in there, and would find that of an earlier run. */
export default function useOwnFolder(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-run-'))
  // Tests run servers and apps as other users.
  chmodSync(folder, 0o1777)
  process.env.TMPDIR = folder
  return () => rmSync(folder, { recursive: true, force: true })
}
