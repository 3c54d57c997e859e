// What is used of undici. Dispatchers have their verbs from its index, which loads all the rest of it as well: a cache, mocks, fetch, web
// sockets.
const Agent = require('undici/lib/dispatcher/agent.js')
const Dispatcher = require('undici/lib/dispatcher/dispatcher.js')
const ProxyAgent = require('undici/lib/dispatcher/proxy-agent.js')
const connect = require('undici/lib/api/api-connect.js')
const request = require('undici/lib/api/api-request.js')

// The first is for ProxyAgent.
Object.assign(Dispatcher.prototype, { connect, request })

module.exports = { Agent, ProxyAgent }
