/**
 * Netlink over memory that is shared with the kernel.
 *
 * @packageDocumentation
 */
export {}
