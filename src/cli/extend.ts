import { nameText } from '../state/terms.js'
import type { Window } from '../state/window.js'
import { changeData, changeRows, changeState, parseLength, problemOf, type WaitingOptions, waitOf } from './change.js'
import type { Context } from './context.js'
import type { Outcome } from './outcome.js'
import { timeText, windowRows } from './window-text.js'

export interface ExtendOptions extends WaitingOptions {
  scope?: string
}

/** Moves the end of a window later, or the expected end where it has none. */
export async function extend(context: Context, options: ExtendOptions, given: readonly string[]): Promise<Outcome> {
  const length = parseLength(given.at(-1) as string)
  const id = given.length > 1 ? given[0] : undefined
  const change = await changeState(context, (control) =>
    control.extend(length, { id, scope: options.scope, wait: waitOf(options) }),
  )
  const window = change.window as Window
  const { end, expectedEnd } = window
  const time = timeText((end ?? expectedEnd) as string, context)
  return {
    headline:
      end === undefined
        ? `Window ${nameText(window)} is now expected to end ${time}`
        : `Window ${nameText(window)} now ends ${time}`,
    closed: change.mode !== 'off',
    rows: [...windowRows(window, context), ...changeRows(change, context)],
    ...problemOf(change, undefined),
    data: changeData(change, context),
  }
}
