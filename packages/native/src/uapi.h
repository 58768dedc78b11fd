/* Kernel constants that may be missing in system headers older than the running kernel. */
#ifndef RINGLINK_UAPI_H
#define RINGLINK_UAPI_H

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>

#ifndef SO_MEMINFO /* 4.12 */
#define SO_MEMINFO 55
#endif

#ifndef SIOCGSKNS /* 4.10 */
#define SIOCGSKNS 0x894C
#endif

/* Indexes of SO_MEMINFO. The header has them as enum members, which #ifndef cannot see. */
enum { RINGLINK_MEMINFO_DROPS = 8, RINGLINK_MEMINFO_WORDS = 9 };

#endif
