/**
 * An open socket of `NativeBinding.open`; opaque. Closes its descriptor when it is garbage collected without a wait.
 */
export interface NativeHandle {
  readonly nativeHandle: unique symbol
}
