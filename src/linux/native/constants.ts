/** Constants of the kernel that Node does not name. Where they differ between x64 and arm64, it says so; the O_ flags that differ come from node:fs. */

export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100
export const AT_REMOVEDIR = 0x200
export const AT_EMPTY_PATH = 0x1000

export const O_PATH = 0x200000
export const O_CLOEXEC = 0x80000
export const O_NONBLOCK = 0x800

export const F_GETFD = 1
export const F_SETFD = 2
export const F_GETFL = 3
export const F_SETFL = 4
export const F_DUPFD_CLOEXEC = 1030
export const F_SETPIPE_SZ = 1031
export const F_GETPIPE_SZ = 1032
export const F_ADD_SEALS = 1033
export const F_GET_SEALS = 1034
export const FD_CLOEXEC = 1

export const SEEK_SET = 0
export const SEEK_DATA = 3
export const SEEK_HOLE = 4

export const LOCK_SH = 1
export const LOCK_EX = 2
export const LOCK_NB = 4
export const LOCK_UN = 8

export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_RAW = 3
export const SOCK_SEQPACKET = 5
export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26
export const SCM_RIGHTS = 1
export const MSG_CTRUNC = 8
export const MSG_DONTWAIT = 0x40
export const MSG_NOSIGNAL = 0x4000
export const MSG_CMSG_CLOEXEC = 0x40000000
export const SHUT_WR = 1

export const EPOLLIN = 1
export const EPOLLOUT = 4
export const EPOLLERR = 8
export const EPOLLHUP = 0x10
export const EPOLLRDHUP = 0x2000
export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3

export const P_PIDFD = 3
export const WNOHANG = 1
export const WEXITED = 4

export const PR_SET_PDEATHSIG = 1
export const PR_SET_DUMPABLE = 4
export const PR_SET_CHILD_SUBREAPER = 36

export const MFD_CLOEXEC = 1
export const MFD_ALLOW_SEALING = 2
export const MFD_EXEC = 0x10

export const TIOCSCTTY = 0x540e
export const TIOCGWINSZ = 0x5413
export const TIOCSWINSZ = 0x5414
export const TIOCGPTN = 0x80045430
export const TIOCSPTLCK = 0x40045431

export const POSIX_SPAWN_SETPGROUP = 2
export const POSIX_SPAWN_SETSIGDEF = 4
export const POSIX_SPAWN_SETSIGMASK = 8
export const POSIX_SPAWN_SETSID = 0x80

/** Numbers of system calls; from 424 on they are the same everywhere. */
export const syscallNumbers = {
  mknodat: process.arch === 'x64' ? 259 : 33,
  renameat2: process.arch === 'x64' ? 316 : 276,
  pidfd_send_signal: 424,
  pidfd_open: 434,
} as const
