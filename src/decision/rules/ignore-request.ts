import { type CallbackRunner, isPromise } from '../../callback.js'
import type { Settings } from '../../settings/options.js'
import type { Opening, Rule } from '../rule.js'

// What the operator looked at is not known: count it as depending on who asks.
const opening: Opening = { rule: 'ignore-request', reason: 'ignoreRequest said so', personal: true }

export function compileIgnoreRequestRule(ignore: Settings['ignoreRequest'], run: CallbackRunner): Rule | undefined {
  if (!ignore) return undefined
  const judge = (answer: boolean | undefined): Opening | undefined => (answer === true ? opening : undefined)
  return (request) => {
    const answer = run('ignoreRequest', () => ignore(request))
    return isPromise(answer) ? answer.then(judge) : judge(answer)
  }
}
