import type { ModeChange } from '../control.js'
import { formatDuration } from '../settings/duration.js'
import type { WindowName } from '../state/terms.js'
import type { HistoryEntry, Window } from '../state/window.js'
import { type Change, changeRows } from './change.js'
import type { Context } from './context.js'
import type { Outcome, Row } from './outcome.js'
import type { CommandEnd } from './run-command.js'
import { headText, modeText, nameFlags, scopeFlag, stateText, windowRows } from './window-text.js'

/** What became of the window of a command that is over. */
export type Release =
  | { result: 'closed' | 'kept'; change: ModeChange }
  /** It was not there any longer; who ended it, where that is known. */
  | { result: 'gone'; entry: HistoryEntry | undefined }
  | { result: 'failed'; problem: string }

/** A command that is over. */
interface Ran {
  name: WindowName
  words: string
  end: CommandEnd
  /** Milliseconds. */
  took: number
  onFailure: 'keep' | 'reopen'
  release: Release
}

const longest = 100

/** A command for the history, up to the first word that may be more than its name: what follows may be a secret. */
export function wordsOf(command: readonly string[]): string {
  const end = command.findIndex((word) => !/^[\w./+][\w./+-]*$/.test(word))
  const words = (end < 0 ? command : command.slice(0, end)).join(' ')
  if (words === '') return '…'
  return end < 0 && words.length <= longest ? words : `${words.slice(0, longest)} …`
}

/** `ended with 1`, `was ended by SIGTERM`. */
export function endText({ exitCode, signal, failure }: CommandEnd): string {
  if (failure !== undefined) return failure
  return signal === undefined ? `ended with ${exitCode}` : `was ended by ${signal}`
}

/** That the site is closed, and by whom that is confirmed. */
export function openedOutcome(change: Change, context: Context): Outcome {
  const window = change.window as Window
  // That there is no instance is said by itself.
  const fleet = change.fleet?.result === 'confirmed' && change.around.instances?.length === 0 ? undefined : change.fleet
  return {
    headline: `${headText(window.scope)} ${modeText(change.mode)}`,
    closed: change.mode !== 'off',
    rows: [...windowRows(window, context), ...changeRows({ ...change, fleet }, context)],
    data: {},
  }
}

/** What became of the command, and of the site. */
export function ranOutcome(ran: Ran, context: Context): Outcome {
  const { words, end, took, release, name } = ran
  const change = 'change' in release ? release.change : undefined
  const rows: Row[] = [
    ['command', end.failure ?? `${words} ${endText(end)}, after ${formatDuration(took)}`, ...failing(end)],
    ...(change?.remaining ?? []).flatMap((window) => windowRows(window, context)),
    ['state', stateText(context, change?.revision)],
  ]
  return {
    headline: headlineOf(ran),
    closed: change?.mode !== 'off',
    rows: change ? rows : rows.slice(0, 1),
    next: nextOf(ran, context),
    data: {
      exitCode: end.exitCode,
      signal: end.signal,
      started: end.failure === undefined,
      took,
      window: name.id,
      scope: name.scope,
      release: release.result,
      mode: change?.mode,
      revision: change?.revision,
      remaining: change?.remaining,
      stateBackend: context.store.backend.address,
    },
    problem: release.result === 'failed' ? release.problem : undefined,
    problemCode: 'ERR_MAINTENANCE_BACKEND',
  }
}

function failing({ exitCode }: CommandEnd): ['loud'] | [] {
  return exitCode === 0 ? [] : ['loud']
}

function headlineOf({ name, release }: Ran): string {
  switch (release.result) {
    case 'closed':
      return `${headText(name.scope)} ${release.change.mode === 'off' ? '' : 'still '}${modeText(release.change.mode)}`
    case 'kept':
      return `${headText(name.scope)} still ${modeText(release.change.mode)}, as the command failed`
    case 'gone':
      return `The window "${name.id}" was no longer there when the command ended${whoText(release.entry)}`
    case 'failed':
      return `The window "${name.id}" may still be open`
  }
}

/** `: closed by ann from cli@desk`. */
function whoText(entry: HistoryEntry | undefined): string {
  if (!entry) return ''
  return entry.by === 'clock' ? ': its time was over' : `: closed by ${entry.by} from ${entry.from}`
}

function nextOf({ name, release, onFailure, end }: Ran, { commandLine, leaseTtl }: Context): string | undefined {
  switch (release.result) {
    case 'kept':
      return `To reopen: ${commandLine(`off${scopeFlag(name.scope)}`)}\nTo try again behind the same window: run${nameFlags(name)} …`
    case 'failed':
      return onFailure === 'reopen'
        ? `It reopens by itself within ${formatDuration(leaseTtl)}; or: ${commandLine(`off${nameFlags(name)}`)}`
        : `To reopen: ${commandLine(`off${nameFlags(name)}`)}`
    case 'gone':
      return end.exitCode === 0 ? undefined : `To close the site: ${commandLine(`on${scopeFlag(name.scope)}`)}`
    case 'closed':
      return undefined
  }
}
