/** The one stylesheet of the page. A change needs a new hash below; the test names it. */
export const style: string = `
:root{color-scheme:light dark;--paper:#faf8f3;--ink:#211f1b;--soft:#635d54;--line:#ddd6c9;--sun:#d9822b}
@media(prefers-color-scheme:dark){:root{--paper:#17181b;--ink:#edeae4;--soft:#aaa49a;--line:#37383d;--sun:#f0b35e}}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;display:flex;font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:42rem;margin:auto;padding:2.5rem clamp(1.25rem,6vw,3rem) clamp(2.5rem,14vh,9rem);overflow-wrap:anywhere}
svg{display:block;width:100%;height:3.5rem;border-bottom:1px solid var(--line);color:var(--sun)}
h1{margin:2rem 0 .75rem;font:500 clamp(2.25rem,1.5rem + 3.6vw,3.5rem)/1.08 ui-serif,"Iowan Old Style","Palatino Linotype",Palatino,Charter,Georgia,serif;letter-spacing:-.02em;text-wrap:balance;overflow-wrap:break-word}
p{margin:0 0 1rem;text-wrap:pretty}
.lead{font-size:1.125rem;color:var(--soft)}
.sent{padding-left:1rem;border-left:3px solid var(--sun);margin:1.5rem 0}
dl{margin:2rem 0}
dl div{display:grid;gap:0 1.5rem;padding:.875rem 0;border-top:1px solid var(--line)}
dl div:last-child{border-bottom:1px solid var(--line)}
dt{color:var(--soft);font-size:.9375rem;line-height:1.7rem}
dd{margin:0;white-space:pre-line}
time{font-weight:600;font-variant-numeric:tabular-nums}
dd span{display:block;color:var(--soft)}
.quiet{margin-top:1.75rem;color:var(--soft);font-size:.9375rem}
.quiet[role=status]:not(:empty){display:flex;gap:.7em}
.quiet[role=status]:not(:empty)::before{content:"";flex:none;width:.5em;height:.5em;margin-top:.55em;border-radius:50%;background:var(--sun)}
button{font:inherit;font-weight:600;padding:.6875rem 1.375rem;border:0;border-radius:.5rem;background:var(--ink);color:var(--paper);cursor:pointer}
button:focus-visible{outline:3px solid var(--sun);outline-offset:3px}
@media(min-width:36rem){dl div{grid-template-columns:8rem 1fr}}
@media(prefers-reduced-motion:no-preference){circle{animation:rise 2.4s cubic-bezier(.2,.7,.2,1) both}[role=status]::before{animation:breathe 4s ease-in-out infinite}}
@keyframes rise{from{transform:translateY(2rem)}}
@keyframes breathe{50%{opacity:.35}}
@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb}svg,button,.quiet,dd span{display:none!important}main{margin:0;padding:0}}
`

export const styleHash: string = 'sha256-4vZguzIYLAZypM9xgIRawd1t9knr82+3bk2P7yIZdo4='
