/** What a kernel has counted of connections and expected ones (`struct ip_conntrack_stat`), on all processors. */
export class ConntrackStatistics {
  found = 0
  invalid = 0
  insert = 0
  insertFailed = 0
  drop = 0
  earlyDrop = 0
  error = 0
  searchRestart = 0
  clashResolve = 0
  chainTooLong = 0
  expectationNew = 0
  expectationCreate = 0
  expectationDelete = 0
}
