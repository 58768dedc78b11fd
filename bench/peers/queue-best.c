/*
 * The best C we can write for a queue: recvmmsg into preallocated buffers, one walk over the attributes, and all
 * verdicts of a receive with one send. With batch=N, one batch verdict for every N packets instead of N verdicts; with
 * queues=N, a thread and a socket for each; with hold=N, every tenth packet is copied out and answered N packets later.
 */
#define _GNU_SOURCE
#include <errno.h>
#include "meter.h"
#include "queue-config.h"
#include "work.h"

enum { FRAMES = 64, LARGEST_VERDICT = 65536 + 256, HOLD_EVERY = 10 };

struct held {
  uint32_t id;
  long due;
  char *copy;
};

struct handler {
  int descriptor;
  uint16_t queue;
  size_t frame;
  char *frames, *out;
  size_t used, room;
  enum answer answer;
  int batch, in_batch;
  uint32_t last_id;
  long hold, number;
  struct held *held;
  long first_held, held_count, held_room;
  uint64_t checksum;
};

static void flush(struct handler *handler) {
  if (handler->used == 0) return;
  meter.send_calls++;
  if (send(handler->descriptor, handler->out, handler->used, 0) < 0) meter.errors++;
  handler->used = 0;
}

static void put_verdict(struct handler *handler, uint16_t type, uint32_t id, uint32_t verdict, unsigned char *payload,
                        unsigned length) {
  size_t most = NETFILTER_MESSAGE + 32 + (payload == NULL ? 0 : NLA_ALIGN(length));
  if (handler->used + most > handler->room) flush(handler);
  char *message = handler->out + handler->used, *at = message + NETFILTER_MESSAGE;
  struct nfqnl_msg_verdict_hdr header = {htonl(verdict), htonl(id)};
  at = put_attribute(at, NFQA_VERDICT_HDR, &header, sizeof header);
  if (handler->answer == ANSWER_MARK) {
    uint32_t mark = htonl(MARK);
    at = put_attribute(at, NFQA_MARK, &mark, sizeof mark);
  }
  if (payload != NULL) at = put_attribute(at, NFQA_PAYLOAD, payload, length);
  put_header(message, type, 0, handler->queue, (uint32_t)(at - message));
  handler->used += (size_t)(at - message);
}

static void end_batch(struct handler *handler) {
  if (handler->in_batch == 0) return;
  uint32_t verdict = handler->answer == ANSWER_DROP ? NF_DROP : NF_ACCEPT;
  put_verdict(handler, NFQNL_MSG_VERDICT_BATCH, handler->last_id, verdict, NULL, 0);
  handler->in_batch = 0;
}

static void hold(struct handler *handler, uint32_t id, unsigned char *payload, unsigned length) {
  struct held *held = &handler->held[(handler->first_held + handler->held_count++) % handler->held_room];
  memcpy(held->copy, payload, length);
  held->id = id;
  held->due = handler->number + handler->hold;
}

/* Answers what was held long enough, all of it once the measurement has ended; how many. */
static long answer_held(struct handler *handler, int all) {
  long answered = 0;
  while (handler->held_count > 0) {
    struct held *held = &handler->held[handler->first_held];
    if (!all && held->due > handler->number) break;
    handler->checksum += (unsigned char)held->copy[28];
    put_verdict(handler, NFQNL_MSG_VERDICT, held->id, NF_ACCEPT, NULL, 0);
    handler->first_held = (handler->first_held + 1) % handler->held_room;
    handler->held_count--;
    answered++;
  }
  return answered;
}

/* Looks at one packet and answers it; false when it is held. */
static int answer(struct handler *handler, uint32_t id, unsigned char *payload, unsigned length) {
  handler->number++;
  handler->checksum += look_at(payload, length);
  if (handler->hold > 0 && handler->number % HOLD_EVERY == 0 && meter.phase != DONE &&
      handler->held_count < handler->held_room) {
    hold(handler, id, payload, length);
    return 0;
  }
  handler->last_id = id;
  if (handler->batch > 0) {
    if (++handler->in_batch == handler->batch) end_batch(handler);
  } else if (handler->answer == ANSWER_PAYLOAD) {
    change(payload, length);
    put_verdict(handler, NFQNL_MSG_VERDICT, id, NF_ACCEPT, payload, length);
  } else {
    put_verdict(handler, NFQNL_MSG_VERDICT, id, handler->answer == ANSWER_DROP ? NF_DROP : NF_ACCEPT, NULL, 0);
  }
  return 1;
}

/* The packets of one datagram that were answered. */
static long read_frame(struct handler *handler, char *frame, int left) {
  long answered = 0;
  struct nlmsghdr *message = (struct nlmsghdr *)frame;
  for (; left > 0 && NLMSG_OK(message, (unsigned)left); message = NLMSG_NEXT(message, left)) {
    if (message->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)) {
      if (message->nlmsg_type == NLMSG_ERROR) meter.errors++;
      continue;
    }
    uint32_t id = 0;
    unsigned char *payload = NULL;
    unsigned length = 0;
    char *at = (char *)message + NETFILTER_MESSAGE;
    int rest = (int)message->nlmsg_len - NETFILTER_MESSAGE;
    while (rest >= (int)NLA_HDRLEN) {
      struct nlattr *attribute = (struct nlattr *)at;
      if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > rest) break;
      unsigned char *data = (unsigned char *)at + NLA_HDRLEN;
      switch (attribute->nla_type & NLA_TYPE_MASK) {
      case NFQA_PACKET_HDR: id = ntohl(*(uint32_t *)data); break;
      case NFQA_MARK: handler->checksum += ntohl(*(uint32_t *)data); break;
      case NFQA_IFINDEX_OUTDEV: handler->checksum += ntohl(*(uint32_t *)data); break;
      case NFQA_PAYLOAD: payload = data, length = attribute->nla_len - NLA_HDRLEN; break;
      }
      at += NLA_ALIGN(attribute->nla_len);
      rest -= NLA_ALIGN(attribute->nla_len);
    }
    answered += answer(handler, id, payload, length);
    if (handler->hold > 0) answered += answer_held(handler, 0);
  }
  return answered;
}

static void open_queue(struct handler *handler, uint16_t queue) {
  char message[512], reply[4096];
  struct sockaddr_nl self = {.nl_family = AF_NETLINK};
  handler->queue = queue;
  handler->descriptor = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  receive_buffer(handler->descriptor, number("buffer", 1 << 27));
  size_t length = queue_config(message, queue);
  int failed = bind(handler->descriptor, (struct sockaddr *)&self, sizeof self) != 0 ||
               send(handler->descriptor, message, length, 0) < 0 ||
               recv(handler->descriptor, reply, sizeof reply, 0) < 0 ||
               ((struct nlmsgerr *)NLMSG_DATA(reply))->error != 0;
  if (failed) {
    perror("queue-best");
    exit(1);
  }
}

static void prepare(struct handler *handler) {
  size_t range = (size_t)number("range", 65531);
  handler->frame = NLA_ALIGN(range + 1024);
  handler->frames = malloc(handler->frame * FRAMES);
  handler->room = 2 * LARGEST_VERDICT;
  handler->out = malloc(handler->room);
  handler->answer = answer_wanted();
  handler->batch = (int)number("batch", 0);
  handler->hold = (long)number("hold", 0);
  handler->held_room = handler->hold / HOLD_EVERY + 2;
  handler->held = calloc((size_t)handler->held_room, sizeof *handler->held);
  for (long i = 0; i < handler->held_room; i++) handler->held[i].copy = malloc(range + 64);
  int size = 1 << 18;
  setsockopt(handler->descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
}

static void *run(void *argument) {
  struct handler *handler = argument;
  struct iovec vectors[FRAMES];
  struct mmsghdr messages[FRAMES];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < FRAMES; i++) {
    vectors[i] = (struct iovec){handler->frames + (size_t)i * handler->frame, handler->frame};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    int received = recvmmsg(handler->descriptor, messages, FRAMES, MSG_WAITFORONE, NULL);
    meter.receive_calls++;
    if (received < 0) {
      if (errno == ENOBUFS) meter.lost++;
      else if (errno != EINTR) return NULL;
      continue;
    }
    meter_received();
    long answered = 0;
    for (int i = 0; i < received; i++) answered += read_frame(handler, vectors[i].iov_base, (int)messages[i].msg_len);
    end_batch(handler);
    /* The last packets are followed by none that could make the held ones due. */
    if (meter.seen + answered + handler->held_count >= meter_until()) answered += answer_held(handler, 1);
    flush(handler);
    meter.checksum += handler->checksum;
    handler->checksum = 0;
    meter_answered(answered);
  }
}

int main(int argc, char **argv) {
  arguments_of(argc, argv);
  int queues = (int)number("queues", 1), first = (int)number("queue", 0);
  struct handler *handlers = calloc((size_t)queues, sizeof *handlers);
  pthread_t thread;
  for (int i = 0; i < queues; i++) {
    open_queue(&handlers[i], (uint16_t)(first + i));
    prepare(&handlers[i]);
  }
  meter_ready();
  for (int i = 1; i < queues; i++) pthread_create(&thread, NULL, run, &handlers[i]);
  run(&handlers[0]);
  return 1;
}
