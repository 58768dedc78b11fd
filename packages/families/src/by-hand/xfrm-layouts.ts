/** The structs of IPsec's messages (uapi/linux/xfrm.h), with the padding that C adds. */
import { bytesField, characters, inner, type StructureValue, structure } from '@ringlink/codec'

const address = () => bytesField(16, 'ip')

/** `struct xfrm_selector`: the packets that a state or policy is for. Addresses of IPv4 are the first four bytes. */
export const xfrmSelectorLayout = structure(
  {
    destination: address(),
    source: address(),
    destinationPort: 'be16',
    destinationPortMask: 'be16',
    sourcePort: 'be16',
    sourcePortMask: 'be16',
    /** AF_* */
    family: 'u16',
    destinationPrefix: 'u8',
    sourcePrefix: 'u8',
    /** IPPROTO_* */
    protocol: 'u8',
    pad: 3,
    device: 's32',
    user: 'u32',
  },
  'xfrm_selector',
)
/** `struct xfrm_id`: a state by its destination and number. */
export const xfrmIdLayout = structure(
  {
    destination: address(),
    securityParameterIndex: 'be32',
    /** IPPROTO_*: 50 ESP, 51 AH, 108 IPComp */
    protocol: 'u8',
    pad: 3,
  },
  'xfrm_id',
)
/** `struct xfrm_lifetime_cfg`; 2^64 - 1 is without a limit. */
export const xfrmLimitsLayout = structure(
  {
    softBytes: 'u64',
    hardBytes: 'u64',
    softPackets: 'u64',
    hardPackets: 'u64',
    softAddSeconds: 'u64',
    hardAddSeconds: 'u64',
    softUseSeconds: 'u64',
    hardUseSeconds: 'u64',
  },
  'xfrm_lifetime_cfg',
)
/** `struct xfrm_lifetime_cur`. */
export const xfrmUsageLayout = structure(
  {
    bytes: 'u64',
    packets: 'u64',
    /** seconds since 1970 */
    added: 'u64',
    /** seconds since 1970; 0 never */
    used: 'u64',
  },
  'xfrm_lifetime_cur',
)
const statisticsLayout = structure({ replayWindow: 'u32', replay: 'u32', integrityFailed: 'u32' }, 'xfrm_stats')

/** `struct xfrm_usersa_info`: a state. */
export const xfrmStateLayout = structure(
  {
    selector: inner(xfrmSelectorLayout),
    id: inner(xfrmIdLayout),
    source: address(),
    limits: inner(xfrmLimitsLayout),
    usage: inner(xfrmUsageLayout),
    statistics: inner(statisticsLayout),
    sequence: 'u32',
    requestId: 'u32',
    family: 'u16',
    /** of `XfrmMode` */
    mode: 'u8',
    replayWindow: 'u8',
    /** bits of `XfrmStateFlag` */
    flags: 'u8',
    pad: 7,
  },
  'xfrm_usersa_info',
)
export interface XfrmState extends StructureValue<typeof xfrmStateLayout> {}

/** `struct xfrm_usersa_id`. */
export const xfrmStateIdLayout = structure(
  { destination: address(), securityParameterIndex: 'be32', family: 'u16', protocol: 'u8', pad: 1 },
  'xfrm_usersa_id',
)
export interface XfrmStateId extends StructureValue<typeof xfrmStateIdLayout> {}

/** `struct xfrm_userpolicy_info`: a policy. */
export const xfrmPolicyLayout = structure(
  {
    selector: inner(xfrmSelectorLayout),
    limits: inner(xfrmLimitsLayout),
    usage: inner(xfrmUsageLayout),
    priority: 'u32',
    index: 'u32',
    /** of `XfrmDirection` */
    direction: 'u8',
    /** of `XfrmAction` */
    action: 'u8',
    flags: 'u8',
    share: 'u8',
    pad: 4,
  },
  'xfrm_userpolicy_info',
)
export interface XfrmPolicy extends StructureValue<typeof xfrmPolicyLayout> {}

/** `struct xfrm_userpolicy_id`. */
export const xfrmPolicyIdLayout = structure(
  { selector: inner(xfrmSelectorLayout), index: 'u32', direction: 'u8', pad: 3 },
  'xfrm_userpolicy_id',
)
export interface XfrmPolicyId extends StructureValue<typeof xfrmPolicyIdLayout> {}

/** `struct xfrm_user_tmpl`: a state that a policy asks for. */
export const xfrmTemplateLayout = structure(
  {
    id: inner(xfrmIdLayout),
    family: 'u16',
    pad: 2,
    source: address(),
    requestId: 'u32',
    mode: 'u8',
    share: 'u8',
    optional: 'u8',
    pad2: 1,
    /** bits of algorithms */
    authentication: 'u32',
    encryption: 'u32',
    compression: 'u32',
  },
  'xfrm_user_tmpl',
)
/** `struct xfrm_algo`, which the key follows: as many bits as `keyBits`. */
export const xfrmAlgorithmLayout = structure({ name: characters(64), keyBits: 'u32' }, 'xfrm_algo')
/** `struct xfrm_algo_auth`, which the key follows. */
export const xfrmTruncatedLayout = structure(
  { name: characters(64), keyBits: 'u32', truncatedBits: 'u32' },
  'xfrm_algo_auth',
)
/** `struct xfrm_algo_aead`, which the key follows. */
export const xfrmAeadLayout = structure({ name: characters(64), keyBits: 'u32', checkBits: 'u32' }, 'xfrm_algo_aead')
/** `struct xfrm_encap_tmpl`. */
export const xfrmEncapsulationLayout = structure(
  { type: 'u16', sourcePort: 'be16', destinationPort: 'be16', pad: 2, original: address() },
  'xfrm_encap_tmpl',
)

/** `struct xfrm_user_expire`. */
export const xfrmExpiryLayout = structure({ state: inner(xfrmStateLayout), isHard: 'u8', pad: 7 }, 'xfrm_user_expire')
export interface XfrmExpiry extends StructureValue<typeof xfrmExpiryLayout> {}

/** `struct xfrm_user_acquire`: what the kernel needs a state for. */
export const xfrmAcquireLayout = structure(
  {
    id: inner(xfrmIdLayout),
    source: address(),
    selector: inner(xfrmSelectorLayout),
    policy: inner(xfrmPolicyLayout),
    authentication: 'u32',
    encryption: 'u32',
    compression: 'u32',
    sequence: 'u32',
  },
  'xfrm_user_acquire',
)
export interface XfrmAcquire extends StructureValue<typeof xfrmAcquireLayout> {}
