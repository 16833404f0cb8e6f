import type { StateBackend } from '../backends/backend.js'
import type { Maintenance } from '../maintenance.js'
import type { Events } from '../telemetry/events.js'
import type { Notifier, NotifierOptions } from '../telemetry/notifier.js'
import type { Hosting } from './hosting.js'

/** The last known state on this machine's disk. */
export interface LocalCopy {
  readonly path: string
  /** `undefined`: none is there. */
  read(): string | undefined
  write(document: string): Promise<void>
}

/** Everything the core needs to know of the runtime it runs on. */
export interface Platform {
  environment(): Readonly<Record<string, string | undefined>>
  /** The absolute form of a path in a setting; a relative one counts from the folder of the nearest package.json upward from the working directory. */
  resolvePath(path: string): string
  /** A file's text. */
  readText(path: string): string
  /** The export that `./file.js#exportName` names. */
  loadExport(reference: string): unknown
  /** The place of a package as the app's own folder sees it; `undefined` where there is none. */
  resolveModule(name: string): string | undefined
  /** Where instances share no disk, or have no timers. */
  hosting(environment: Readonly<Record<string, string | undefined>>): Hosting | undefined
  /** A local copy of the state that `name` tells from others, where there is a disk. */
  localCopy(folder: string | undefined, name: string): LocalCopy | undefined
  /** The state backend of a `file:` setting, where there are files. */
  fileBackend(path: string): StateBackend
  /** The Liquid engine; at once where modules can be loaded at once. */
  liquid(): typeof import('liquidjs') | Promise<typeof import('liquidjs')>
  /** The name of the test runner this process is part of. */
  testRunner(): string | undefined
  /** Tells what happens to whoever listens, where the runtime has a place for that. */
  events(maintenance: () => Maintenance): Events | undefined
  /** Tells people of transitions, where timers run to do so. */
  notifier(options: NotifierOptions): Notifier | undefined
  /** This machine's name, and the process's id on it. */
  host(): string
  process(): string
}
