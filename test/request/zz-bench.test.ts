import { it } from 'vitest'
import { normalizePath } from '/work/main/src/request/path.js'
import { readingsOf } from '/work/main/src/request/path-readings.js'
import { compileUrlPatterns } from '/work/main/src/decision/url-patterns.js'
import { compileAddresses, parseAddress } from '/work/main/src/request/address.js'
import { compileTrustProxy } from '/work/main/src/request/client-address.js'
function time(name: string, f: (i: number) => unknown, n = 1e6) { let best = 1e9; let sink: unknown; for (let r=0;r<5;r++){const t=performance.now(); for(let i=0;i<n;i++) sink=f(i); best=Math.min(best,(performance.now()-t)/n*1e6)}; console.log(name, best.toFixed(1),'ns', String(sink).slice(0,40)) }
it('bench', () => {
 const u1=Array.from({length:1024},(_, i)=>`/a/b?x=${i}`), u2=Array.from({length:1024},(_, i)=>`/products/item-${i}/reviews?page=${i}&sort=asc`), u3=Array.from({length:1024},(_, i)=>`/.well-known/acme-challenge/x${i}`), u4=Array.from({length:1024},(_, i)=>`/caf%C3%A9/${i}`)
 time('normalize /a/b?x=1', i=>normalizePath(u1[i&1023]!))
 time('normalize product', i=>normalizePath(u2[i&1023]!))
 time('normalize wellknown', i=>normalizePath(u3[i&1023]!))
 time('normalize pct', i=>normalizePath(u4[i&1023]!))
 let t=performance.now()
 const pats:string[]=[]; for(let i=0;i<5000;i++){pats.push(`/section${i%97}/page${i}`);pats.push(`/area${i%89}/part${i}/**`)}
 const m=compileUrlPatterns('ignoreUrls',pats)!; console.log('compile 10k',performance.now()-t)
 t=performance.now(); const m2=compileUrlPatterns('ignoreUrls',Array.from({length:10000},(_, i)=>`/x${i}/*/y{a,b}`))!; console.log('compile 10k globs',performance.now()-t)
 const req={method:'GET',host:'x'}
 const paths=Array.from({length:4096},(_, i)=> i%4===0?`/section${i%97}/page${i}`:i%4===1?`/area${i%89}/part${i}/deep/er`:i%4===2?`/other/thing${i}/x`:`/area5/nopart${i}/q`)
 const norm=paths.map(p=>normalizePath(p))
 time('10k lookup', i=>m(req,norm[i&4095]!))
 time('10k normalise+lookup', i=>m(req,normalizePath(paths[i&4095]!)))
 const g=paths.map((_, i)=>normalizePath(`/x${i}/foo/ya`)); time('10k globs hit', i=>m2(req,g[i&4095]!))
 const c=compileUrlPatterns('routes',pats,{closing:true})!; time('closing', i=>c(req,norm[i&4095]!))
 const one=compileUrlPatterns('ignoreUrls',['/healthz','/webhooks/**'])!; time('2 patterns', i=>one(req,norm[i&4095]!))
 const w=compileUrlPatterns('ignoreUrls',['/**/*.css'])!; time('/**/*.css', i=>w(req,norm[i&4095]!))
 for (const evil of ['/x/%2e%2e;a\\b%252f..//c?'.repeat(1)+'', '/'+'a;b\\%2e%2e%252f//..'.repeat(800), '/'+'%25'.repeat(5000), '/'+'..\\;'.repeat(3000), '//'+'a/../'.repeat(3000), '/'+'%2f;'.repeat(300)]) { const p=normalizePath(evil); t=performance.now(); const r=c(req,p); console.log('evil closing', evil.length, p.plain, r, readingsOf(p)?.length,(performance.now()-t).toFixed(2),'ms') }
 for (const [gl,s] of [['/**/x/**/y/**/z','/'+'x/y/'.repeat(4000)],['/**/*a*a*a*b','/'+'a'.repeat(16000)],['/**/?a?a?b*','/'+'a/'.repeat(8000)]] as const) { const mm=compileUrlPatterns('ignoreUrls',[gl])!; const p=normalizePath(s); t=performance.now(); mm(req,p); console.log(gl,(performance.now()-t).toFixed(2),'ms') }
 const big=normalizePath('/'+'a/'.repeat(8000)); t=performance.now(); for(let i=0;i<100;i++) m(req,big); console.log('16KB lookup',((performance.now()-t)/100*1000).toFixed(1),'µs')
 t=performance.now(); for(let i=0;i<100;i++) normalizePath('/'+'a/'.repeat(8000)); console.log('16KB normalise',((performance.now()-t)/100*1000).toFixed(1),'µs')
 // addresses
 let seed=7; const rnd=()=>{seed=(Math.imul(seed,1664525)+1013904223)>>>0; return seed}
 const ranges=Array.from({length:100000},()=>{const p=20+rnd()%13; const n=(rnd()&(p===32?0xffffffff:~(0xffffffff>>>p)))>>>0; return `${n>>>24}.${n>>>16&255}.${n>>>8&255}.${n&255}/${p}`})
 t=performance.now(); const a=compileAddresses('ignoreIpAddresses',ranges)!; console.log('compile 100k v4',performance.now()-t)
 const r6=Array.from({length:100000},()=>`2001:${(rnd()&0xffff).toString(16)}:${(rnd()&0xffff).toString(16)}:${(rnd()&0xffff).toString(16)}::/64`)
 t=performance.now(); const b=compileAddresses('ignoreIpAddresses',r6)!; console.log('compile 100k v6',performance.now()-t)
 const v4=Array.from({length:65536},()=>{const n=rnd();return `${n>>>24}.${n>>>16&255}.${n>>>8&255}.${n&255}`})
 const v6=Array.from({length:1024},()=>`2001:${(rnd()&0xffff).toString(16)}:${(rnd()&0xffff).toString(16)}::1`), v6many=Array.from({length:65536},()=>`2001:${(rnd()&0xffff).toString(16)}:${(rnd()&0xffff).toString(16)}::1`)
 time('parse v4', i=>parseAddress(v4[i&65535]!))
 time('v4 100k', i=>a(v4[i&65535]))
 time('v6 100k cached', i=>b(v6[i&1023]))
 time('v6 100k uncached', i=>b(v6many[i&65535]),100000)
 const small=compileAddresses('ignoreIpAddresses',['10.0.0.0/8','192.168.1.1'])!; time('v4 2', i=>small(v4[i&65535]))
 const tp=compileTrustProxy(1), tl=compileTrustProxy(['loopback','10.0.0.0/8']); const h=(n:string)=>n==='x-forwarded-for'?'1.2.3.4, 10.0.0.2':undefined
 time('trust 1', i=>tp('127.0.0.1',h)); time('trust list', i=>tl('127.0.0.1',h))
}, 120000)
