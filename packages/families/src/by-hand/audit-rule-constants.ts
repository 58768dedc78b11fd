/** The constants of audit's rules (uapi/linux/audit.h), by their kernel names. */

/** Where a rule is applied. */
export const AuditFilter = {
  /** AUDIT_FILTER_USER */
  User: 0,
  /** AUDIT_FILTER_TASK */
  Task: 1,
  /** AUDIT_FILTER_ENTRY */
  Entry: 2,
  /** AUDIT_FILTER_WATCH */
  Watch: 3,
  /** AUDIT_FILTER_EXIT */
  Exit: 4,
  /** AUDIT_FILTER_EXCLUDE */
  Exclude: 5,
  /** AUDIT_FILTER_FS */
  Fs: 6,
  /** AUDIT_FILTER_URING_EXIT */
  UringExit: 7,
} as const
export type AuditFilter = (typeof AuditFilter)[keyof typeof AuditFilter]

/** What a rule that matches does. */
export const AuditAction = {
  /** AUDIT_NEVER */
  Never: 0,
  /** AUDIT_POSSIBLE */
  Possible: 1,
  /** AUDIT_ALWAYS */
  Always: 2,
} as const
export type AuditAction = (typeof AuditAction)[keyof typeof AuditAction]

/** What a condition of a rule looks at. */
export const AuditField = {
  /** AUDIT_PID */
  Pid: 0,
  /** AUDIT_UID */
  Uid: 1,
  /** AUDIT_EUID */
  Euid: 2,
  /** AUDIT_SUID */
  Suid: 3,
  /** AUDIT_FSUID */
  Fsuid: 4,
  /** AUDIT_GID */
  Gid: 5,
  /** AUDIT_EGID */
  Egid: 6,
  /** AUDIT_SGID */
  Sgid: 7,
  /** AUDIT_FSGID */
  Fsgid: 8,
  /** AUDIT_LOGINUID */
  Loginuid: 9,
  /** AUDIT_PERS */
  Pers: 10,
  /** AUDIT_ARCH */
  Arch: 11,
  /** AUDIT_MSGTYPE */
  Msgtype: 12,
  /** AUDIT_SUBJ_USER */
  SubjUser: 13,
  /** AUDIT_SUBJ_ROLE */
  SubjRole: 14,
  /** AUDIT_SUBJ_TYPE */
  SubjType: 15,
  /** AUDIT_SUBJ_SEN */
  SubjSen: 16,
  /** AUDIT_SUBJ_CLR */
  SubjClr: 17,
  /** AUDIT_PPID */
  Ppid: 18,
  /** AUDIT_OBJ_USER */
  ObjUser: 19,
  /** AUDIT_OBJ_ROLE */
  ObjRole: 20,
  /** AUDIT_OBJ_TYPE */
  ObjType: 21,
  /** AUDIT_OBJ_LEV_LOW */
  ObjLevLow: 22,
  /** AUDIT_OBJ_LEV_HIGH */
  ObjLevHigh: 23,
  /** AUDIT_LOGINUID_SET */
  LoginuidSet: 24,
  /** AUDIT_SESSIONID */
  Sessionid: 25,
  /** AUDIT_FSTYPE */
  Fstype: 26,
  /** AUDIT_DEVMAJOR */
  Devmajor: 100,
  /** AUDIT_DEVMINOR */
  Devminor: 101,
  /** AUDIT_INODE */
  Inode: 102,
  /** AUDIT_EXIT */
  Exit: 103,
  /** AUDIT_SUCCESS */
  Success: 104,
  /** AUDIT_WATCH */
  Watch: 105,
  /** AUDIT_PERM */
  Perm: 106,
  /** AUDIT_DIR */
  Dir: 107,
  /** AUDIT_FILETYPE */
  Filetype: 108,
  /** AUDIT_OBJ_UID */
  ObjUid: 109,
  /** AUDIT_OBJ_GID */
  ObjGid: 110,
  /** AUDIT_FIELD_COMPARE */
  FieldCompare: 111,
  /** AUDIT_EXE */
  Exe: 112,
  /** AUDIT_SADDR_FAM */
  SaddrFam: 113,
  /** AUDIT_ARG0 */
  Arg0: 200,
  /** AUDIT_ARG1 */
  Arg1: 201,
  /** AUDIT_ARG2 */
  Arg2: 202,
  /** AUDIT_ARG3 */
  Arg3: 203,
  /** AUDIT_FILTERKEY */
  Filterkey: 210,
} as const
export type AuditField = (typeof AuditField)[keyof typeof AuditField]

/** How a condition compares. */
export const AuditOperator = {
  /** AUDIT_BIT_MASK */
  BitMask: 0x8000000,
  /** AUDIT_LESS_THAN */
  LessThan: 0x10000000,
  /** AUDIT_GREATER_THAN */
  GreaterThan: 0x20000000,
  /** AUDIT_NOT_EQUAL */
  NotEqual: 0x30000000,
  /** AUDIT_EQUAL */
  Equal: 0x40000000,
  /** AUDIT_BIT_TEST */
  BitTest: 0x48000000,
  /** AUDIT_LESS_THAN_OR_EQUAL */
  LessThanOrEqual: 0x50000000,
  /** AUDIT_GREATER_THAN_OR_EQUAL */
  GreaterThanOrEqual: 0x60000000,
} as const
export type AuditOperator = (typeof AuditOperator)[keyof typeof AuditOperator]

/** What a condition on `AuditField.FieldCompare` compares. */
export const AuditComparison = {
  /** AUDIT_COMPARE_UID_TO_OBJ_UID */
  UidToObjUid: 1,
  /** AUDIT_COMPARE_GID_TO_OBJ_GID */
  GidToObjGid: 2,
  /** AUDIT_COMPARE_EUID_TO_OBJ_UID */
  EuidToObjUid: 3,
  /** AUDIT_COMPARE_EGID_TO_OBJ_GID */
  EgidToObjGid: 4,
  /** AUDIT_COMPARE_AUID_TO_OBJ_UID */
  AuidToObjUid: 5,
  /** AUDIT_COMPARE_SUID_TO_OBJ_UID */
  SuidToObjUid: 6,
  /** AUDIT_COMPARE_SGID_TO_OBJ_GID */
  SgidToObjGid: 7,
  /** AUDIT_COMPARE_FSUID_TO_OBJ_UID */
  FsuidToObjUid: 8,
  /** AUDIT_COMPARE_FSGID_TO_OBJ_GID */
  FsgidToObjGid: 9,
  /** AUDIT_COMPARE_UID_TO_AUID */
  UidToAuid: 10,
  /** AUDIT_COMPARE_UID_TO_EUID */
  UidToEuid: 11,
  /** AUDIT_COMPARE_UID_TO_FSUID */
  UidToFsuid: 12,
  /** AUDIT_COMPARE_UID_TO_SUID */
  UidToSuid: 13,
  /** AUDIT_COMPARE_AUID_TO_FSUID */
  AuidToFsuid: 14,
  /** AUDIT_COMPARE_AUID_TO_SUID */
  AuidToSuid: 15,
  /** AUDIT_COMPARE_AUID_TO_EUID */
  AuidToEuid: 16,
  /** AUDIT_COMPARE_EUID_TO_SUID */
  EuidToSuid: 17,
  /** AUDIT_COMPARE_EUID_TO_FSUID */
  EuidToFsuid: 18,
  /** AUDIT_COMPARE_SUID_TO_FSUID */
  SuidToFsuid: 19,
  /** AUDIT_COMPARE_GID_TO_EGID */
  GidToEgid: 20,
  /** AUDIT_COMPARE_GID_TO_FSGID */
  GidToFsgid: 21,
  /** AUDIT_COMPARE_GID_TO_SGID */
  GidToSgid: 22,
  /** AUDIT_COMPARE_EGID_TO_FSGID */
  EgidToFsgid: 23,
  /** AUDIT_COMPARE_EGID_TO_SGID */
  EgidToSgid: 24,
  /** AUDIT_COMPARE_SGID_TO_FSGID */
  SgidToFsgid: 25,
} as const
export type AuditComparison = (typeof AuditComparison)[keyof typeof AuditComparison]

/** Accesses to a file, for `AuditField.Perm`. */
export const AuditPermission = {
  /** AUDIT_PERM_EXEC */
  Exec: 1,
  /** AUDIT_PERM_WRITE */
  Write: 2,
  /** AUDIT_PERM_READ */
  Read: 4,
  /** AUDIT_PERM_ATTR */
  Attr: 8,
} as const
export type AuditPermission = (typeof AuditPermission)[keyof typeof AuditPermission]
