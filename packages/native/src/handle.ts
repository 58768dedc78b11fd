/** An open socket of `NativeBinding.open`; opaque. One that is collected while nothing waits on it closes its descriptor. */
export interface NativeHandle {
  readonly nativeHandle: unique symbol
}
