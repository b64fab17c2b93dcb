'use strict'
const { note } = require('./effects')

module.exports = (srv) => {
  note(srv)
  srv.on('orderCount', async (req) => {
    const { Orders } = srv.entities
    const found = await SELECT.one.from(Orders).columns('count(*) as n').where({ account_ID: req.data.account })
    return found.n
  })
}
