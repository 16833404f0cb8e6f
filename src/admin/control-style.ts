/** What the control page adds to the stylesheet of the built-in page. A change needs a new hash below; the test names it. */
export const controlStyle: string = `
body{font-size:1rem}
main{padding-bottom:3rem}
h1{margin-top:1.25rem}
h2{margin:2rem 0 1rem;font-size:1.125rem;line-height:1.4}
.site{margin:.75rem 0 0;color:var(--soft);font-size:.9375rem}
.note{margin:1.5rem 0;padding:.75rem 1rem;border-left:3px solid var(--sun);background:color-mix(in srgb,var(--sun) 12%,transparent)}
.note strong{display:block}
dl div{grid-template-columns:4.5rem 1fr}
h2+dl{margin-top:0}
dd span time{font-weight:400}
code{font-size:.9375em}
form,details{margin:2rem 0}
label,legend{padding:0;font-weight:600}
.hint{margin:0 0 .5rem;color:var(--soft);font-size:.9375rem;font-weight:400}
textarea{display:block;width:100%;min-height:5rem;padding:.625rem .75rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--soft);border-radius:.5rem;resize:vertical}
fieldset{margin:1.5rem 0;padding:0;border:0;min-width:0}
.choices{display:grid;grid-template-columns:repeat(auto-fill,minmax(10rem,1fr));gap:.5rem}
.choices label,.check{display:flex;gap:.625rem;align-items:center;padding:.625rem .75rem;border:1px solid var(--line);border-radius:.5rem;font-weight:400;cursor:pointer}
.choices label:first-child{grid-column:1/-1}
.choices label:has(:checked){border-color:var(--sun);background:color-mix(in srgb,var(--sun) 12%,transparent)}
.check{margin:0 0 1rem}
input{flex:none;width:1.125rem;height:1.125rem;margin:0;accent-color:var(--sun)}
select,input[list]{display:block;width:100%;height:auto;min-height:2.875rem;margin:0 0 1.5rem;padding:.625rem .75rem;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);border-radius:.5rem}
button{min-height:2.875rem}
button.close{background:var(--sun);color:#211f1b}
textarea:focus-visible,select:focus-visible,input:focus-visible,summary:focus-visible,a:focus-visible{outline:3px solid var(--sun);outline-offset:2px}
summary{padding:.625rem 0;font-weight:600;cursor:pointer}
a{color:inherit;text-underline-offset:.2em}
@media(max-width:35.99rem){button{width:100%}}
@media(min-width:36rem){dl div{grid-template-columns:8rem 1fr}}
`

export const controlStyleHash: string = 'sha256-EfoEE/uM28VXyFOsW/exW6GfvZoRJMWjyTKVnwsX+ww='
