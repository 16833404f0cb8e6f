/**
 * Tells times as the visitor knows them, and looks again when the page is seen again: a state from an hour ago must not
 * be taken for the present one. Without it the page works as well. A change needs a new hash below; the test names it.
 */
const source = `
(function () {
  try {
    var touched = false
    function each(at, time) {
      var options = { weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' }
      if (at.getFullYear() !== new Date().getFullYear()) options.year = 'numeric'
      var format = new Intl.DateTimeFormat(navigator.languages, options)
      var locale = format.resolvedOptions().locale
      time.lang = locale
      time.textContent = format.format(at)
      var span = time.nextElementSibling
      if (!span) return
      var s = Math.round((at - Date.now()) / 1e3)
      var size = Math.abs(s)
      var unit = size < 60 ? ['second', 1] : size < 5970 ? ['minute', 60] : size < 129600 ? ['hour', 3600] : ['day', 86400]
      span.lang = locale
      span.textContent = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(Math.round(s / unit[1]), unit[0])
    }
    function show() {
      var times = document.querySelectorAll('time')
      for (var i = 0; i < times.length; i++) each(new Date(times[i].getAttribute('datetime')), times[i])
    }
    function again() {
      if (!touched && !document.hidden && !document.querySelector('[role=alert]')) location.replace(location.pathname)
    }
    document.addEventListener('input', function () { touched = true })
    document.addEventListener('visibilitychange', again)
    window.addEventListener('pageshow', function (event) { if (event.persisted) again() })
    show()
    setInterval(show, 1e4)
  } catch (e) {}
})()
`

export const controlScript: string = source.replace(/\n +/g, '\n')

export const controlScriptHash: string = 'sha256-SKYcnEpTmtmQG2ba71QXo5L9ACUNjj6x3hxtRc462LQ='
