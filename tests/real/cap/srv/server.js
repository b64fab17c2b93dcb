'use strict'
// Hooks around the stock CAP server: a request log and one of changes, perhaps a
// rate limiter, a bearer check, the seed, the loopback address, and an end when
// the parent goes away.
const cds = require('@sap/cds')
const fs = require('node:fs')
const { fill } = require('../db/seed')
const { answer } = require('./effects')

const URL_FD = 3 // start.sh keeps its own stdout here; CAP's log goes to stderr
// Headers of the rate limiter: legacy, draft-6, draft-7, draft-8; none without.
const LIMITER = process.env.CAP_LIMITER
const BEARER = 'Bearer tidegate-test-token'

function requestLog() {
  let entries = []
  return (req, res, next) => {
    if (req.path === '/log') {
      if (req.method === 'DELETE') entries = []
      return req.method === 'DELETE' ? res.sendStatus(204) : res.json(entries)
    }
    const entry = { method: req.method, path: req.originalUrl, status: 0 }
    entries.push(entry)
    res.on('close', () => { entry.status = res.statusCode })
    next()
  }
}

function bearerOnly(req, res, next) {
  if (req.get('authorization') === BEARER) return next()
  res.set('WWW-Authenticate', 'Bearer realm="token"')
  res.status(401).json({ error: { code: '401', message: 'Bearer token missing or wrong' } })
}

function limiter() {
  const { rateLimit } = require('express-rate-limit')
  const legacy = LIMITER === 'legacy'
  const headers = { legacyHeaders: legacy, standardHeaders: legacy ? false : LIMITER }
  return rateLimit({ windowMs: 2000, limit: 10, ...headers })
}

cds.on('bootstrap', (app) => {
  app.use(answer, requestLog())
  if (LIMITER) app.use(limiter())
  app.use('/odata/v4/token', bearerOnly)
  // CAP listens on every interface otherwise.
  const listen = app.listen.bind(app)
  app.listen = (port) => listen(port, '127.0.0.1')
})

cds.on('served', () => fill(cds.db))

cds.on('listening', ({ server }) => {
  fs.writeSync(URL_FD, `http://127.0.0.1:${server.address().port}/odata/v4/sales\n`)
})

for (const event of ['end', 'close', 'error']) process.stdin.on(event, () => process.exit(0))
process.stdin.resume()
process.on('SIGTERM', () => process.exit(0))

module.exports = cds.server
