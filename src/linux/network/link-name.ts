/** A name of the kernel's has at most so many bytes: `IFNAMSIZ` without the end. */
const mostBytes = 15

/** Words that are no names: folders below /sys/class/net, those of all links below /proc/sys/net, and the loopback that is there already. */
const words = ['.', '..', 'all', 'default', 'lo']

/** What {@link isLinkName} asks for, for messages. */
export const linkNameRule = 'must have 1 to 15 bytes, without blanks, "/", ":" and "%", and not be ".", "..", "all", "default" or "lo"'

/** Whether the kernel takes a text as the name of a new link. It takes `%` as well, and puts a number in its place. */
export function isLinkName(text: string): boolean {
  return Buffer.byteLength(text) <= mostBytes && /^[^\s\p{Cc}/:%]+$/u.test(text) && !words.includes(text)
}
