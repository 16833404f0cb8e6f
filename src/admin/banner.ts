import Negotiator from 'negotiator'
import type { Reply } from '../reply/reply.js'
import { toReply } from './replies.js'

/** What is planned, what goes on, what goes on in the mode `read-only`, and the button. */
type Words = readonly [planned: string, active: string, readOnly: string, dismiss: string]

const words: Readonly<Record<string, Words>> = {
  en: ['Planned maintenance', 'Maintenance', 'Maintenance: changes cannot be saved', 'Dismiss'],
  de: ['Geplante Wartung', 'Wartung', 'Wartung: Änderungen lassen sich nicht speichern', 'Schließen'],
  fr: ['Maintenance prévue', 'Maintenance', 'Maintenance : aucun enregistrement possible', 'Fermer'],
  es: ['Mantenimiento previsto', 'Mantenimiento', 'Mantenimiento: no se pueden guardar cambios', 'Cerrar'],
  it: ['Manutenzione programmata', 'Manutenzione', 'Manutenzione: non si possono salvare modifiche', 'Chiudi'],
  pt: ['Manutenção programada', 'Manutenção', 'Manutenção: não é possível salvar alterações', 'Fechar'],
  nl: ['Gepland onderhoud', 'Onderhoud', 'Onderhoud: wijzigingen worden niet opgeslagen', 'Sluiten'],
  pl: ['Planowana przerwa', 'Przerwa techniczna', 'Przerwa techniczna: zmian nie można zapisać', 'Zamknij'],
  ja: ['メンテナンス予定', 'メンテナンス中', 'メンテナンス中：変更は保存できません', '閉じる'],
}

/**
 * Shows above the page what is announced, and what goes on for those who are let through.
 *
 * Styles are set by script, and words as text: a strict Content-Security-Policy lets both through, and a reason cannot
 * bring markup along. Where nothing can be stored, what was dismissed comes back with the next page.
 */
const source = `
(say => {
  let d = document, me = d.currentScript, scope = me.dataset.scope, box, shown, stored = 'maintenance-mode ';
  let store = (key, value) => {
    try { return value ? localStorage.setItem(stored + key, value) : localStorage.getItem(stored + key) } catch {}
  };
  let add = (to, tag, text, style) => {
    let made = to.appendChild(d.createElement(tag));
    made.textContent = text;
    made.style.cssText = style;
    return made
  };
  let when = (from, to) => {
    let format = new Intl.DateTimeFormat(navigator.languages, { weekday: 'short', day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' });
    return to > from ? format.formatRange(from, to) : format.format(from)
  };
  let show = list => {
    let one = list.find(({ key }) => !store(key));
    if (shown == one?.key) return;
    shown = one?.key;
    box?.remove();
    if (!one) return;
    let { key, phase, mode, start, end, reason } = one;
    box = add(d.body, 'aside', '', 'display:flex;flex-wrap:wrap;gap:.5em 1em;align-items:center;padding:.6em 1em;font:1rem/1.4 system-ui,sans-serif;background:#ffd35c;color:#211f1b');
    box.className = 'maintenance-banner';
    box.lang = LANG;
    box.ariaLabel = say[0];
    let text = add(box, 'div', '', 'flex:1 15em');
    add(text, 'strong', say[phase == 'announced' ? 0 : mode == 'read-only' ? 2 : 1] + ' ', '');
    add(text, 'span', when(new Date(start), new Date(end)) + ' ', '');
    add(text, 'bdi', reason, '');
    add(box, 'button', say[3], 'font:inherit;color:inherit;background:0 0;border:1px solid;border-radius:.4em;padding:.3em .8em;cursor:pointer').onclick = () => {
      store(key, 1);
      show(list)
    };
    d.body.prepend(box)
  };
  let load = async () => {
    try { show((await (await fetch(me.src.replace(/banner\\.js.*/, 'status') + (scope ? '?scope=' + encodeURIComponent(scope) : ''))).json()).announcements) } catch {}
  };
  load();
  setInterval(load, 3e5)
})
`
  .replace(/\n\s*/g, '')
  .replace(/ (=>|[=?:<>{}+&|]+) /g, '$1')
  .replace(/([,;:{]) /g, '$1')
  .replaceAll(' }', '}')

/** In the visitor's language, as far as it is known here; the same for all who speak it, and kept for five minutes. */
export function bannerReply(acceptLanguage: string | undefined): Reply {
  const headers = { 'accept-language': acceptLanguage }
  const [language = 'en'] = new Negotiator({ headers }).languages(Object.keys(words))
  const script = `${source.replace('LANG', JSON.stringify(language))}(${JSON.stringify(words[language])})`
  return toReply(200, 'text/javascript', script, {
    'Cache-Control': 'public, max-age=300',
    Vary: 'Accept-Language',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  })
}
