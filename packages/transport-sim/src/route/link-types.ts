/** Types of messages about links. */
export const RTM_NEWLINK = 16
export const RTM_DELLINK = 17
