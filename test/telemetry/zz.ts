import { pinoHttp } from 'pino-http'
import morgan from 'morgan'
import express from 'express'
function f<Req, Res, Level extends string = 'info'>(o?: (req: Req, res: Res, error?: Error) => Level, level?: Level): (req: Req, res: Res, error?: Error) => Level | 'info' | 'silent' { return o as never ?? level }
function g<Req extends { url?: string | undefined }, Res extends { statusCode: number }, Level extends string = 'info'>(o?: (req: Req, res: Res, error?: Error) => Level, level?: Level): (req: Req, res: Res, error?: Error) => Level | 'info' | 'silent' { return o as never ?? level }
function s<Req, Res>(otherwise?: (req: Req, res: Res) => boolean): (req: Req, res: Res) => boolean { return otherwise as never }
pinoHttp({ customLogLevel: f((_req, res) => (res.statusCode < 500 ? 'debug' : 'error')) })
pinoHttp({ customLogLevel: g((_req, res) => (res.statusCode < 500 ? 'debug' : 'error')) })
pinoHttp({ customLogLevel: g((req, res) => (res.statusCode < 500 && req.headers ? 'debug' : 'error')) })
pinoHttp({ customLogLevel: g((_req, res) => (res.statusCode < 500 ? 'debug' : 'error'), 'trace') })
pinoHttp({ customLogLevel: g() })
pinoHttp({ customLogLevel: g(undefined, 'trace') })
express().use(pinoHttp({ customLogLevel: g() }))
express().use(morgan('x', { skip: s((req, res) => res.statusCode < 500 && req.url === '') }))
morgan('x', { skip: s((req, res) => res.statusCode < 500 && req.url === '') })
