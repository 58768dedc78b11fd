/*
 * The parts of io_uring in use (uapi/linux/io_uring.h), declared here because the machine that compiles the addon may
 * have headers older than its kernel. The names are ours; comments have the kernel's names. The layouts are fixed by
 * the kernel's ABI and checked below.
 */
#ifndef RINGLINK_URING_UAPI_H
#define RINGLINK_URING_UAPI_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

/* The same numbers on every architecture except Alpha. */
#ifndef SYS_io_uring_setup /* 5.1 */
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#define SYS_io_uring_register 427
#endif

enum uring_setup_flag {
  URING_SETUP_SQPOLL = 1 << 1,         /* IORING_SETUP_SQPOLL */
  URING_SETUP_SINGLE_ISSUER = 1 << 12, /* IORING_SETUP_SINGLE_ISSUER, 6.0 */
  URING_SETUP_DEFER_TASKRUN = 1 << 13, /* IORING_SETUP_DEFER_TASKRUN, 6.1 */
};

enum uring_enter_flag {
  URING_ENTER_GETEVENTS = 1 << 0, /* IORING_ENTER_GETEVENTS */
  URING_ENTER_SQ_WAKEUP = 1 << 1, /* IORING_ENTER_SQ_WAKEUP */
  URING_ENTER_EXT_ARG = 1 << 3,   /* IORING_ENTER_EXT_ARG, 5.11 */
};

enum uring_register_opcode {
  URING_REGISTER_BUFFER_RING = 22, /* IORING_REGISTER_PBUF_RING, 5.19 */
  URING_REGISTER_SYNC_CANCEL = 24, /* IORING_REGISTER_SYNC_CANCEL, 6.0 */
};

enum {
  URING_FEATURE_SINGLE_MAPPING = 1 << 0, /* IORING_FEAT_SINGLE_MMAP, 5.4 */
  URING_FEATURE_EXT_ARG = 1 << 8,        /* IORING_FEAT_EXT_ARG, 5.11 */
  URING_OPERATION_NOP = 0,               /* IORING_OP_NOP */
  URING_OPERATION_RECVMSG = 10,          /* IORING_OP_RECVMSG */
  URING_SQE_BUFFER_SELECT = 1 << 5,      /* IOSQE_BUFFER_SELECT */
  URING_RECEIVE_MULTISHOT = 1 << 1,      /* IORING_RECV_MULTISHOT, with recvmsg 6.0 */
};

/* Offsets of the mappings in the descriptor: IORING_OFF_SQ_RING, IORING_OFF_SQES. */
#define URING_OFFSET_RINGS INT64_C(0)
#define URING_OFFSET_ENTRIES INT64_C(0x10000000)

/* struct io_sqring_offsets */
struct uring_submission_offsets {
  uint32_t head, tail, mask, entries, flags, dropped, array, reserved;
  uint64_t user_address;
};

/* struct io_cqring_offsets */
struct uring_completion_offsets {
  uint32_t head, tail, mask, entries, overflow, completions, flags, reserved;
  uint64_t user_address;
};

/* struct io_uring_params */
struct uring_parameters {
  uint32_t submission_entries, completion_entries, flags, thread_cpu, thread_idle, features, workers, reserved[3];
  struct uring_submission_offsets submission;
  struct uring_completion_offsets completion;
};

/* struct io_uring_sqe, for a recvmsg */
struct uring_entry {
  uint8_t operation, flags;
  uint16_t priority; /* IORING_RECV_ flags */
  int32_t descriptor;
  uint64_t offset, address;
  uint32_t length, message_flags;
  uint64_t user_data;
  uint16_t buffer_group, personality;
  int32_t splice;
  uint64_t further[2];
};

/* struct io_uring_cqe */
struct uring_completion {
  uint64_t user_data;
  int32_t result;
  uint32_t flags;
};

/* struct io_uring_buf; the `tail` of the first one is the ring's */
struct uring_buffer {
  uint64_t address;
  uint32_t length;
  uint16_t id, tail;
};

/* struct io_uring_buf_reg */
struct uring_buffer_registration {
  uint64_t ring_address;
  uint32_t entries;
  uint16_t group, flags;
  uint64_t reserved[3];
};

/* struct __kernel_timespec */
struct uring_time {
  int64_t seconds, nanoseconds;
};

/* struct io_uring_getevents_arg */
struct uring_wait {
  uint64_t signal_mask;
  uint32_t signal_mask_size, minimum_wait;
  uint64_t timeout;
};

/* struct io_uring_sync_cancel_reg */
struct uring_cancel {
  uint64_t user_data;
  int32_t descriptor;
  uint32_t flags;
  struct uring_time timeout;
  uint64_t reserved[4];
};

_Static_assert(sizeof(struct uring_submission_offsets) == 40, "io_sqring_offsets");
_Static_assert(sizeof(struct uring_completion_offsets) == 40, "io_cqring_offsets");
_Static_assert(sizeof(struct uring_parameters) == 120, "io_uring_params");
_Static_assert(offsetof(struct uring_parameters, submission) == 40, "io_uring_params.sq_off");
_Static_assert(sizeof(struct uring_entry) == 64, "io_uring_sqe");
_Static_assert(offsetof(struct uring_entry, user_data) == 32, "io_uring_sqe.user_data");
_Static_assert(offsetof(struct uring_entry, buffer_group) == 40, "io_uring_sqe.buf_group");
_Static_assert(sizeof(struct uring_completion) == 16, "io_uring_cqe");
_Static_assert(sizeof(struct uring_buffer) == 16, "io_uring_buf");
_Static_assert(offsetof(struct uring_buffer, tail) == 14, "io_uring_buf_ring.tail");
_Static_assert(sizeof(struct uring_buffer_registration) == 40, "io_uring_buf_reg");
_Static_assert(sizeof(struct uring_wait) == 24, "io_uring_getevents_arg");
_Static_assert(sizeof(struct uring_cancel) == 64, "io_uring_sync_cancel_reg");

#endif
