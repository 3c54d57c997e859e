import { isIP } from 'node:net'

/** The proxy that the usual variables name for an address: none for this machine itself and for what `no_proxy` lists. */
export function proxyFor(url: URL, proxies: Readonly<Record<string, string>>): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (host === 'localhost' || /^127\./.test(host) || host === '::1') return undefined
  const pick = (name: string): string | undefined => proxies[name] ?? proxies[name.toUpperCase()]
  const proxy = pick(url.protocol === 'https:' ? 'https_proxy' : 'http_proxy')
  if (proxy === undefined) return undefined
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  const spared = (pick('no_proxy') ?? '').split(/[\s,]+/).some((entry) => entry !== '' && isSpared(entry.toLowerCase(), host, port))
  return spared ? undefined : withScheme(proxy)
}

/** An entry is a host with all below it, an address, either with a port; or `*`. */
function isSpared(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const [, name = '', only] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? []
  if (only !== undefined && only !== port) return false
  const domain = name.replace(/^\*?\./, '')
  return host === domain || (isIP(domain) === 0 && host.endsWith(`.${domain}`))
}

function withScheme(proxy: string): string {
  return /^[a-z]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`
}
