import { messageOf, StateBackendError } from '../errors.js'
import { clockTolerance, type SeenInstance } from '../fleet/instance.js'
import { judge, lostAfter, type TargetState } from '../fleet/judgement.js'
import { formatDuration } from '../settings/duration.js'
import { effectiveMode } from '../state/effective-mode.js'
import type { Context } from './context.js'
import { listInstances, noInstance } from './instances.js'
import type { Outcome, Table } from './outcome.js'
import { stateText } from './window-text.js'

/** Milliseconds. */
const patience = 10_000

/** Every instance that decides by the state, and what is odd about it. */
export async function fleet(context: Context): Promise<Outcome> {
  const { presence, address } = context.store.backend
  if (!presence) {
    throw new StateBackendError(
      `${address} keeps no list of instances: every process that reads this state decides by it, but none can be shown.`,
    )
  }
  const [seen, { target, failure }] = await Promise.all([
    listInstances(presence, address, patience),
    readTarget(context),
  ])
  const usual = usualOf(seen)
  const instances = seen.map((instance) => ({
    ...instance,
    ...(target && judge(instance, target)),
    remarks: remarksOf(instance, target, usual),
  }))
  const odd = instances.filter(({ remarks }) => remarks.length > 0).length
  return {
    headline: headlineOf(instances.length, odd),
    closed: odd > 0 || instances.length === 0,
    rows: [['state', failure ?? stateText(context, target?.revision === 0 ? undefined : target?.revision)]],
    table: tableOf(instances),
    data: { ...target, instances, stateBackend: address },
  }
}

/** Instances can be seen also where the state cannot be read. */
async function readTarget({ store, now }: Context): Promise<{ target?: TargetState; failure?: string }> {
  try {
    const document = await store.read()
    if (!document) return { target: { document: '', revision: 0, mode: 'off' } }
    const { mode } = effectiveMode(document, now())
    return { target: { document: document.id, revision: document.revision, mode } }
  } catch (error) {
    return { failure: messageOf(error) }
  }
}

function headlineOf(count: number, odd: number): string {
  if (count === 0) return noInstance
  const instances = `${count} instance${count === 1 ? '' : 's'}`
  return odd === 0 ? `${instances}, all as they should be` : `${instances}, ${odd} to look at`
}

type Usual = Pick<SeenInstance, 'version' | 'settings'>

/** What most of the live instances have: the others differ. */
function usualOf(seen: readonly SeenInstance[]): Usual {
  const live = seen.filter(({ age }) => age <= lostAfter)
  const some = live.length > 0 ? live : seen
  return { version: mostOf(some.map(({ version }) => version)), settings: mostOf(some.map(({ settings }) => settings)) }
}

function mostOf<Value>(values: readonly Value[]): Value | undefined {
  const counts = new Map<Value, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}

function remarksOf(instance: SeenInstance, target: TargetState | undefined, usual: Usual): string[] {
  const remarks: string[] = []
  const verdict = target && judge(instance, target).verdict
  if (instance.age > lostAfter) remarks.push('lost')
  if (instance.pinned) remarks.push(verdict === 'contradicting' ? 'pinned, contradicts' : 'pinned')
  else if (target && verdict === 'waiting') remarks.push(waitingText(instance, target))
  if (instance.version !== usual.version) remarks.push('other version')
  if (instance.settings !== usual.settings) remarks.push('other settings')
  if (Math.abs(instance.clockDifference ?? 0) > clockTolerance) remarks.push('clock')
  return remarks
}

function waitingText({ document, revision }: SeenInstance, target: TargetState): string {
  if (document === undefined || target.revision === 0) return 'behind'
  if (document !== target.document) return 'other state'
  return revision === target.revision ? 'other mode' : 'behind'
}

const columns: readonly (readonly [head: string, cell: (instance: SeenInstance) => string | number | undefined])[] = [
  ['instance', ({ id }) => id],
  ['host', ({ host }) => host],
  ['process', (instance) => instance.process],
  ['version', ({ version }) => version],
  ['mode', ({ mode }) => mode],
  ['revision', ({ revision }) => revision],
  ['snapshot', ({ snapshot }) => snapshot],
  ['in flight', ({ inFlight }) => inFlight?.count],
  ['heard', ({ age }) => `${formatDuration(age)} ago`],
  ['clock', ({ clockDifference }) => clockDifference && differenceText(clockDifference)],
  ['settings', ({ settings }) => settings],
]

function tableOf(instances: readonly (SeenInstance & { remarks: string[] })[]): Table {
  return {
    head: [...columns.map(([head]) => head), 'remarks'],
    lines: instances.map((instance) => ({
      cells: [...columns.map(([, cell]) => String(cell(instance) ?? '-')), instance.remarks.join(', ')],
      loud: instance.remarks.length > 0,
    })),
  }
}

function differenceText(difference: number): string {
  return `${difference < 0 ? '-' : '+'}${formatDuration(Math.abs(difference))}`
}
