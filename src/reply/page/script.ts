/**
 * The one script of the page: tells the time as the visitor knows it, and comes back by itself. In ES5, so that old
 * browsers can read it; what they lack, they go without. It holds no words: those come with the markup.
 *
 * - `seen` is when the site was last known to be closed: only then may the page say that it takes longer.
 * - Redirects are not followed: one to another origin (a login, say) would look like a network error for ever.
 * - 429 and 5xx without our header come from what stands in front of the site, not from the site.
 * - After the end, or every five minutes, a page still closed takes over the reason and the end as they are now.
 *
 * A change needs a new hash below; the test names it.
 */
const source = `
(function () {
  try {
    var main = document.querySelector('main')
    var words = main.dataset
    var status = main.querySelector('[role=status]')
    var button = main.querySelector('button')
    var header = 'Maintenance-Mode'
    var start = 7500
    var delay = start
    var slack = Math.random() * 1e4
    var asked = 0
    var seen = Date.now()
    var read = seen
    var busy = false
    var done = false
    var timer

    function find(name) { return main.querySelector(name) }
    function end() { return find('time') ? Date.parse(find('time').getAttribute('datetime')) : NaN }
    function say(text) { if (status.textContent !== text) status.textContent = text }

    function show() {
      if (done) return
      var at = new Date(end())
      var late = at <= seen
      var ms = at - Date.now()
      if (words.wait) say(late ? words.late + ' ' + words.wait : words.wait)
      if (isNaN(at)) return
      if (late) find('dt[data-late]').textContent = find('dt[data-late]').dataset.late
      try {
        var time = find('time')
        var options = { weekday: 'long', day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' }
        if (at.getFullYear() !== new Date().getFullYear()) options.year = 'numeric'
        var format = new Intl.DateTimeFormat(navigator.languages, options)
        time.textContent = format.format(at)
        time.parentNode.lang = format.resolvedOptions().locale
        var m = Math.ceil(ms / 6e4)
        if (m > 20) m = Math.ceil(m / 5) * 5
        var unit = m < 100 ? 'minute' : m < 2160 ? 'hour' : 'day'
        var count = unit === 'day' ? m / 1440 : unit === 'hour' ? m / 60 : m
        find('dd span').textContent = ms <= 0 ? '' : new Intl.RelativeTimeFormat(time.parentNode.lang).format(Math.round(count), unit)
      } catch (e) {}
    }

    function ask(method) {
      var abort = window.AbortController ? new AbortController() : {}
      setTimeout(function () { if (abort.abort) abort.abort() }, 45e3)
      return fetch(location.origin + location.pathname + location.search, {
        method: method, cache: 'no-store', credentials: 'same-origin', redirect: 'manual',
        headers: { Accept: 'text/html' }, signal: abort.signal
      })
    }

    function answered(res) {
      var closed = res.headers.get(header)
      if (!closed && res.status < 500 && res.status !== 429) return back()
      seen = Date.now()
      if (closed && seen - read > (end() <= seen ? 6e4 : 3e5)) {
        read = seen
        return ask('GET').then(function (page) {
          return page.headers.get(header) && page.text().then(function (html) {
            var fresh = new DOMParser().parseFromString(html, 'text/html').querySelector('#news')
            if (fresh) main.replaceChild(fresh, find('#news'))
          })
        })
      }
    }

    function back() {
      done = true
      find('h1').textContent = document.title = words.title
      ;['.lead', '.sent', '#news'].forEach(function (name) { if (find(name)) find(name).hidden = true })
      status.className = ''
      say(words.back)
      if (button) offer()
      else location.reload()
    }

    function next() {
      if (done) return
      busy = false
      show()
      var wait = delay * (.75 + Math.random() / 2)
      var last = end() + slack - Date.now()
      delay = Math.min(delay * 1.5, 6e4)
      if (last > 0 && last < wait) { wait = last; delay = start }
      plan(wait)
    }

    function plan(wait) { clearTimeout(timer); timer = setTimeout(poll, wait) }

    function poll() {
      if (busy || done || document.hidden) return
      var ago = Date.now() - asked
      if (ago >= 0 && ago < 3e3) return plan(3e3 - ago)
      clearTimeout(timer)
      asked = Date.now()
      busy = true
      ask('HEAD').then(answered).then(next, next)
    }

    function offer() { button.hidden = history.length < 2 }

    if (button) button.onclick = function () { history.back() }
    show()
    setInterval(show, 1e4)
    if (!words.wait) { if (button) offer() }
    else if (window.fetch) {
      next()
      document.addEventListener('visibilitychange', poll)
      window.addEventListener('online', poll)
    } else if (!button) setTimeout(function () { location.reload() }, 6e4)
  } catch (e) {}
})()
`

export const script: string = source.replace(/\n +/g, '\n')

export const scriptHash: string = 'sha256-Pv5Tc1tMwzWWuDzMNTm3HnB1xbo091Bb8iGpd4VMJHI='
