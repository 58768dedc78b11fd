/**
 * The constants of audit's messages and status (uapi/linux/audit.h), by their kernel names; those of rules are in
 * audit-rule-constants.ts.
 */

/** `nlmsg_type` of requests. */
export const AuditMessage = {
  /** AUDIT_GET */
  Get: 1000,
  /** AUDIT_SET */
  Set: 1001,
  /** AUDIT_LIST */
  List: 1002,
  /** AUDIT_ADD */
  Add: 1003,
  /** AUDIT_DEL */
  Del: 1004,
  /** AUDIT_USER */
  User: 1005,
  /** AUDIT_LOGIN */
  Login: 1006,
  /** AUDIT_WATCH_INS */
  WatchIns: 1007,
  /** AUDIT_WATCH_REM */
  WatchRem: 1008,
  /** AUDIT_WATCH_LIST */
  WatchList: 1009,
  /** AUDIT_SIGNAL_INFO */
  SignalInfo: 1010,
  /** AUDIT_ADD_RULE */
  AddRule: 1011,
  /** AUDIT_DEL_RULE */
  DelRule: 1012,
  /** AUDIT_LIST_RULES */
  ListRules: 1013,
  /** AUDIT_TRIM */
  Trim: 1014,
  /** AUDIT_MAKE_EQUIV */
  MakeEquiv: 1015,
  /** AUDIT_TTY_GET */
  TtyGet: 1016,
  /** AUDIT_TTY_SET */
  TtySet: 1017,
  /** AUDIT_SET_FEATURE */
  SetFeature: 1018,
  /** AUDIT_GET_FEATURE */
  GetFeature: 1019,
} as const
export type AuditMessage = (typeof AuditMessage)[keyof typeof AuditMessage]

/** `nlmsg_type` of records. */
export const AuditRecordType = {
  /** AUDIT_USER_AVC */
  UserAvc: 1107,
  /** AUDIT_USER_TTY */
  UserTty: 1124,
  /** AUDIT_DAEMON_START */
  DaemonStart: 1200,
  /** AUDIT_DAEMON_END */
  DaemonEnd: 1201,
  /** AUDIT_DAEMON_ABORT */
  DaemonAbort: 1202,
  /** AUDIT_DAEMON_CONFIG */
  DaemonConfig: 1203,
  /** AUDIT_SYSCALL */
  Syscall: 1300,
  /** AUDIT_PATH */
  Path: 1302,
  /** AUDIT_IPC */
  Ipc: 1303,
  /** AUDIT_SOCKETCALL */
  Socketcall: 1304,
  /** AUDIT_CONFIG_CHANGE */
  ConfigChange: 1305,
  /** AUDIT_SOCKADDR */
  Sockaddr: 1306,
  /** AUDIT_CWD */
  Cwd: 1307,
  /** AUDIT_EXECVE */
  Execve: 1309,
  /** AUDIT_IPC_SET_PERM */
  IpcSetPerm: 1311,
  /** AUDIT_MQ_OPEN */
  MqOpen: 1312,
  /** AUDIT_MQ_SENDRECV */
  MqSendrecv: 1313,
  /** AUDIT_MQ_NOTIFY */
  MqNotify: 1314,
  /** AUDIT_MQ_GETSETATTR */
  MqGetsetattr: 1315,
  /** AUDIT_KERNEL_OTHER */
  KernelOther: 1316,
  /** AUDIT_FD_PAIR */
  FdPair: 1317,
  /** AUDIT_OBJ_PID */
  ObjPid: 1318,
  /** AUDIT_TTY */
  Tty: 1319,
  /** AUDIT_EOE */
  Eoe: 1320,
  /** AUDIT_BPRM_FCAPS */
  BprmFcaps: 1321,
  /** AUDIT_CAPSET */
  Capset: 1322,
  /** AUDIT_MMAP */
  Mmap: 1323,
  /** AUDIT_NETFILTER_PKT */
  NetfilterPkt: 1324,
  /** AUDIT_NETFILTER_CFG */
  NetfilterCfg: 1325,
  /** AUDIT_SECCOMP */
  Seccomp: 1326,
  /** AUDIT_PROCTITLE */
  Proctitle: 1327,
  /** AUDIT_FEATURE_CHANGE */
  FeatureChange: 1328,
  /** AUDIT_REPLACE */
  Replace: 1329,
  /** AUDIT_KERN_MODULE */
  KernModule: 1330,
  /** AUDIT_FANOTIFY */
  Fanotify: 1331,
  /** AUDIT_TIME_INJOFFSET */
  TimeInjoffset: 1332,
  /** AUDIT_TIME_ADJNTPVAL */
  TimeAdjntpval: 1333,
  /** AUDIT_BPF */
  Bpf: 1334,
  /** AUDIT_EVENT_LISTENER */
  EventListener: 1335,
  /** AUDIT_URINGOP */
  Uringop: 1336,
  /** AUDIT_OPENAT2 */
  Openat2: 1337,
  /** AUDIT_DM_CTRL */
  DmCtrl: 1338,
  /** AUDIT_DM_EVENT */
  DmEvent: 1339,
  /** AUDIT_AVC */
  Avc: 1400,
  /** AUDIT_SELINUX_ERR */
  SelinuxErr: 1401,
  /** AUDIT_AVC_PATH */
  AvcPath: 1402,
  /** AUDIT_MAC_POLICY_LOAD */
  MacPolicyLoad: 1403,
  /** AUDIT_MAC_STATUS */
  MacStatus: 1404,
  /** AUDIT_MAC_CONFIG_CHANGE */
  MacConfigChange: 1405,
  /** AUDIT_MAC_UNLBL_ALLOW */
  MacUnlblAllow: 1406,
  /** AUDIT_MAC_CIPSOV4_ADD */
  MacCipsov4Add: 1407,
  /** AUDIT_MAC_CIPSOV4_DEL */
  MacCipsov4Del: 1408,
  /** AUDIT_MAC_MAP_ADD */
  MacMapAdd: 1409,
  /** AUDIT_MAC_MAP_DEL */
  MacMapDel: 1410,
  /** AUDIT_MAC_IPSEC_ADDSA */
  MacIpsecAddsa: 1411,
  /** AUDIT_MAC_IPSEC_DELSA */
  MacIpsecDelsa: 1412,
  /** AUDIT_MAC_IPSEC_ADDSPD */
  MacIpsecAddspd: 1413,
  /** AUDIT_MAC_IPSEC_DELSPD */
  MacIpsecDelspd: 1414,
  /** AUDIT_MAC_IPSEC_EVENT */
  MacIpsecEvent: 1415,
  /** AUDIT_MAC_UNLBL_STCADD */
  MacUnlblStcadd: 1416,
  /** AUDIT_MAC_UNLBL_STCDEL */
  MacUnlblStcdel: 1417,
  /** AUDIT_MAC_CALIPSO_ADD */
  MacCalipsoAdd: 1418,
  /** AUDIT_MAC_CALIPSO_DEL */
  MacCalipsoDel: 1419,
  /** AUDIT_ANOM_PROMISCUOUS */
  AnomPromiscuous: 1700,
  /** AUDIT_ANOM_ABEND */
  AnomAbend: 1701,
  /** AUDIT_ANOM_LINK */
  AnomLink: 1702,
  /** AUDIT_ANOM_CREAT */
  AnomCreat: 1703,
  /** AUDIT_INTEGRITY_DATA */
  IntegrityData: 1800,
  /** AUDIT_INTEGRITY_METADATA */
  IntegrityMetadata: 1801,
  /** AUDIT_INTEGRITY_STATUS */
  IntegrityStatus: 1802,
  /** AUDIT_INTEGRITY_HASH */
  IntegrityHash: 1803,
  /** AUDIT_INTEGRITY_PCR */
  IntegrityPcr: 1804,
  /** AUDIT_INTEGRITY_RULE */
  IntegrityRule: 1805,
  /** AUDIT_INTEGRITY_EVM_XATTR */
  IntegrityEvmXattr: 1806,
  /** AUDIT_INTEGRITY_POLICY_RULE */
  IntegrityPolicyRule: 1807,
  /** AUDIT_KERNEL */
  Kernel: 2000,
} as const
export type AuditRecordType = (typeof AuditRecordType)[keyof typeof AuditRecordType]

/** Which fields of a status are set. */
export const AuditStatusField = {
  /** AUDIT_STATUS_ENABLED */
  Enabled: 0x1,
  /** AUDIT_STATUS_FAILURE */
  Failure: 0x2,
  /** AUDIT_STATUS_PID */
  Pid: 0x4,
  /** AUDIT_STATUS_RATE_LIMIT */
  RateLimit: 0x8,
  /** AUDIT_STATUS_BACKLOG_LIMIT */
  BacklogLimit: 0x10,
  /** AUDIT_STATUS_BACKLOG_WAIT_TIME */
  BacklogWaitTime: 0x20,
  /** AUDIT_STATUS_LOST */
  Lost: 0x40,
  /** AUDIT_STATUS_BACKLOG_WAIT_TIME_ACTUAL */
  BacklogWaitTimeActual: 0x80,
} as const
export type AuditStatusField = (typeof AuditStatusField)[keyof typeof AuditStatusField]

/** What the kernel can do. */
export const AuditCapability = {
  /** AUDIT_FEATURE_BITMAP_BACKLOG_LIMIT */
  BacklogLimit: 0x1,
  /** AUDIT_FEATURE_BITMAP_BACKLOG_WAIT_TIME */
  BacklogWaitTime: 0x2,
  /** AUDIT_FEATURE_BITMAP_EXECUTABLE_PATH */
  ExecutablePath: 0x4,
  /** AUDIT_FEATURE_BITMAP_EXCLUDE_EXTEND */
  ExcludeExtend: 0x8,
  /** AUDIT_FEATURE_BITMAP_SESSIONID_FILTER */
  SessionidFilter: 0x10,
  /** AUDIT_FEATURE_BITMAP_LOST_RESET */
  LostReset: 0x20,
  /** AUDIT_FEATURE_BITMAP_FILTER_FS */
  FilterFs: 0x40,
} as const
export type AuditCapability = (typeof AuditCapability)[keyof typeof AuditCapability]

/** What the kernel does when it cannot log. */
export const AuditFailure = {
  /** AUDIT_FAIL_SILENT */
  Silent: 0,
  /** AUDIT_FAIL_PRINTK */
  Printk: 1,
  /** AUDIT_FAIL_PANIC */
  Panic: 2,
} as const
export type AuditFailure = (typeof AuditFailure)[keyof typeof AuditFailure]

/** Features, as numbers of bits. */
export const AuditFeature = {
  /** AUDIT_FEATURE_ONLY_UNSET_LOGINUID */
  OnlyUnsetLoginuid: 0,
  /** AUDIT_FEATURE_LOGINUID_IMMUTABLE */
  LoginuidImmutable: 1,
} as const
export type AuditFeature = (typeof AuditFeature)[keyof typeof AuditFeature]
