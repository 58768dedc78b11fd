/** `struct tcp_info` (uapi/linux/tcp.h): a connection as TCP sees it. What an older kernel does not send is zero. */
import { structure } from '@ringlink/codec'

export const tcpInfoLayout = structure(
  {
    /** of `SocketState` */
    state: 'u8',
    /** TCP_CA_*: 0 open, 1 disorder, 2 congestion window reduced, 3 recovery, 4 loss */
    congestionState: 'u8',
    retransmits: 'u8',
    probes: 'u8',
    backoff: 'u8',
    /**
     * bits: 1 timestamps, 2 selective acknowledgement, 4 window scaling, 8 congestion notification, 16 seen it, 32 SYN
     * with data
     */
    options: 'u8',
    /**
     * the sender's in the lower half, the receiver's in the upper one, as bit fields are laid out on a little-endian
     * machine
     */
    windowScales: 'u8',
    /** bit fields: the rate of delivery is limited by the application; TCP Fast Open failed */
    flags: 'u8',
    /** microseconds */
    retransmissionTimeout: 'u32',
    /** microseconds */
    acknowledgementTimeout: 'u32',
    /** bytes */
    sendSegmentSize: 'u32',
    /** bytes */
    receiveSegmentSize: 'u32',
    unacknowledged: 'u32',
    selectivelyAcknowledged: 'u32',
    lost: 'u32',
    retransmitted: 'u32',
    forwardAcknowledged: 'u32',
    /** milliseconds ago, and so the three that follow */
    lastDataSent: 'u32',
    lastAcknowledgementSent: 'u32',
    lastDataReceived: 'u32',
    lastAcknowledgementReceived: 'u32',
    /** bytes */
    pathMtu: 'u32',
    /** bytes */
    receiveThreshold: 'u32',
    /** microseconds */
    roundTripTime: 'u32',
    /** microseconds */
    roundTripTimeVariance: 'u32',
    /** segments */
    sendThreshold: 'u32',
    /** segments */
    congestionWindow: 'u32',
    /** bytes */
    advertisedSegmentSize: 'u32',
    reordering: 'u32',
    /** microseconds */
    receiverRoundTripTime: 'u32',
    /** bytes */
    receiverSpace: 'u32',
    totalRetransmitted: 'u32',
    /** bytes a second */
    pacingRate: 'u64',
    /** bytes a second */
    maximumPacingRate: 'u64',
    bytesAcknowledged: 'u64',
    bytesReceived: 'u64',
    segmentsSent: 'u32',
    segmentsReceived: 'u32',
    bytesNotSent: 'u32',
    /** microseconds */
    minimumRoundTripTime: 'u32',
    dataSegmentsReceived: 'u32',
    dataSegmentsSent: 'u32',
    /** bytes a second */
    deliveryRate: 'u64',
    /** microseconds of sending, and so the two that follow */
    busyTime: 'u64',
    limitedByReceiver: 'u64',
    limitedBySendBuffer: 'u64',
    delivered: 'u32',
    deliveredWithCongestion: 'u32',
    bytesSent: 'u64',
    bytesRetransmitted: 'u64',
    duplicateAcknowledgements: 'u32',
    reorderingSeen: 'u32',
    outOfOrderPackets: 'u32',
    /** bytes that the peer has room for */
    sendWindow: 'u32',
    /** bytes that this side has room for; Linux 6.2 */
    receiveWindow: 'u32',
    /** Linux 6.2 */
    rehashes: 'u32',
    /** Linux 6.7 */
    totalTimeouts: 'u16',
    /** Linux 6.7 */
    totalTimeoutRecoveries: 'u16',
    /** milliseconds; Linux 6.7 */
    totalTimeoutTime: 'u32',
  },
  'tcp_info',
  104,
)
