/** What the nf_tables of one kernel can do and that of another cannot. */
export interface NfTablesFeatures {
  /** tables can be owned by a socket (Linux 5.12); where false the flag is EOPNOTSUPP */
  readonly tableOwner: boolean
  /**
   * owned tables can outlive their owner (NFT_TABLE_F_PERSIST, Linux 6.9); where false the flag is EOPNOTSUPP, and an
   * owner can update its table
   */
  readonly persistentTables: boolean
  /**
   * chains of devices can be made without a device (Linux 6.4); where false that is EINVAL, and so is a hook without
   * number or priority, and an update of a chain that tells another hook is EEXIST, but does not keep the table from
   * being changed in the same batch
   */
  readonly optionalDevices: boolean
  /** chains can have devices that are not there yet (after Linux 6.12); where false that is ENOENT */
  readonly missingDevices: boolean
  /** NFT_MSG_GETRULE_RESET, which shows rules and resets their counters (Linux 6.2); where false it is EINVAL */
  readonly ruleResets: boolean
  /** NFT_MSG_DESTROY…, which remove what may be missing (Linux 6.3); where false they are EINVAL */
  readonly destroyMessages: boolean
  /** Begin and End of a batch are acknowledged, if they ask for it (Linux 6.10) */
  readonly batchAcknowledgements: boolean
  /**
   * an answer within a batch tells which attribute a policy has refused, or that bytes are left over (after Linux
   * 6.12); where false only the errno
   */
  readonly policyReports: boolean
  /** `bitwise` can compute AND, OR and XOR (Linux 6.13); where false they are EOPNOTSUPP */
  readonly bitwiseOperators: boolean
  /** a map with a name can be looked up as a set, for its keys alone (after Linux 6.1); where false that is EINVAL */
  readonly mapsAsSets: boolean
  /** an expression that loads from a register that nothing was written to is ENODATA (Linux 6.12); else it loads 0 */
  readonly initialisedRegisters: boolean
  /**
   * `byteorder` converts several numbers at once; where false (late updates of 6.12) any but one is EOPNOTSUPP, and a
   * listing has their size first
   */
  readonly byteorderLists: boolean
  /** `payload` takes offsets of more than 255 bytes (after Linux 6.12); where false they are ERANGE */
  readonly distantPayload: boolean
  /** sets tell how many elements they have (NFTA_SET_COUNT, after Linux 6.12) */
  readonly setCount: boolean
}
