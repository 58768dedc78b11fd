/** The keys of the language of specifications (Documentation/netlink in Linux), in any of its objects. */
export const KEYS: readonly string[] = [
  ...['async-enum', 'async-prefix', 'attr-cnt-name', 'attr-max-name', 'attribute-set', 'attribute-sets'],
  ...['attributes', 'byte-order', 'c-family-name', 'c-version-name', 'checks', 'cmd-cnt-name', 'cmd-max-name'],
  ...['config-cond', 'definitions', 'display-hint', 'do', 'doc', 'dont-validate', 'dump', 'entries', 'enum'],
  ...['enum-as-flags', 'enum-cnt-name', 'enum-model', 'enum-name', 'event', 'exact-len', 'fallback-attrs'],
  ...['fixed-header', 'flags', 'flags-mask', 'formats', 'header', 'headers', 'kernel-family', 'kernel-policy'],
  ...['len', 'list', 'max', 'max-by-define', 'max-len', 'mcast-groups', 'mcgrp', 'members', 'min', 'min-len'],
  ...['multi-attr', 'name', 'name-prefix', 'nested-attributes', 'notify', 'operations', 'post', 'pre', 'protocol'],
  ...['protonum', 'render-max', 'reply', 'request', 'scope', 'selector', 'sock-priv', 'struct', 'sub-message'],
  ...['sub-messages', 'sub-type', 'subset-of', 'transparent', 'type', 'type-value', 'uapi-header'],
  ...['unterminated-ok', 'value', 'value-start', 'version'],
]
