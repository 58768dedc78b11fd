/*
 * The 32-bit words that describe a received frame, FRAME_WORDS per frame. packages/transport/src/frames/descriptor.ts
 * declares the same for TypeScript; a test there compares the two.
 */
#ifndef RINGLINK_FRAME_H
#define RINGLINK_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum frame_word {
  FRAME_WORD_LENGTH = 0,      /* bytes in the frame */
  FRAME_WORD_FULL_LENGTH = 1, /* length of the whole message; if more than in the frame, it was truncated */
  FRAME_WORD_PORT_ID = 2,     /* nl_pid of the sender; 0 is the kernel */
  FRAME_WORD_GROUPS = 3,      /* nl_groups of the message, a mask of the first 32 */
};

#define FRAME_WORDS 4

/* Writes the words of a frame with `capacity` bytes that received a message of `length` bytes. */
static inline void describe_frame(uint32_t *words, size_t capacity, size_t length, uint32_t port_id, uint32_t groups) {
  words[FRAME_WORD_LENGTH] = (uint32_t)(length < capacity ? length : capacity);
  words[FRAME_WORD_FULL_LENGTH] = (uint32_t)length;
  words[FRAME_WORD_PORT_ID] = port_id;
  words[FRAME_WORD_GROUPS] = groups;
}

#endif
