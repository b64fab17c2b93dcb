'use strict'
// What really changed, in order: a change counts when its transaction has committed.
let effects = []

/** Notes every change that this service makes. */
function note(srv) {
  srv.after(['CREATE', 'UPDATE', 'DELETE'], '*', (_, req) => {
    const key = Object.fromEntries(Object.keys(req.target.keys).filter((name) => name in req.data).map((name) => [name, req.data[name]]))
    const effect = { event: req.event, entity: req.target.name.split('.').pop(), key, data: { ...req.data } }
    req.on('succeeded', () => effects.push(effect))
  })
}

/** `/effects`: GET gives those since the last DELETE. */
function answer(req, res, next) {
  if (req.path !== '/effects') return next()
  if (req.method === 'DELETE') effects = []
  return req.method === 'DELETE' ? res.sendStatus(204) : res.json(effects)
}

module.exports = { note, answer }
