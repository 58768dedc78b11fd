/**
 * Packet captures. {@link openCapture} and {@link readPcapng} write and read pcapng, {@link record} saves what a transport moves,
 * {@link openReplay} plays it back.
 */
export { type ReplayClock, systemClock } from './clock.ts'
export { Capture, type CaptureOptions, openCapture } from './file.ts'
export * from './pcapng/index.ts'
export { type Recorder, type RecordOptions, record } from './recorder.ts'
export { openReplay, type Replay, type ReplayOptions } from './replay.ts'
export { openRotatingCapture, RotatingCapture, type RotationOptions } from './rotation.ts'
