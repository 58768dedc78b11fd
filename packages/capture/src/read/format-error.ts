import { DecodeError } from '@ringlink/codec/errors'

/** The error for bytes that are not a capture: code `MESSAGE_TYPE`, with `text` as the message. */
export function formatError(text: string, at: { offset: number; need: number; have: number }): DecodeError {
  const error = new DecodeError('MESSAGE_TYPE', text, at)
  // The codec's text about messages does not suit a file.
  error.message = text
  return error
}
