/* queue.h - requests waiting for a lane, served in turn by principal so that nobody starves. */
#ifndef WALLET_QUEUE_H
#define WALLET_QUEUE_H

#include "wallet/lane.h"

/*
 * Each principal has a line of its own (QUEUE_PRINCIPALS_MAX lines; two principals may come to
 * share one). A turn takes at most QUEUE_TURN_ITEMS items of the line's first request, never
 * cutting a linked group; then the next line has its turn. Used under the lane's monitor.
 */
enum {
    QUEUE_TURN_ITEMS = 2048,
    /* A payment's unit: two after-images, and the transfers of a decision and of its refusal. */
    PAYMENT_ITEMS = 9,
    /* An act, and its reason. */
    ADMIN_ITEMS = 2,
};

struct queue_line {
    struct request *first;
    struct request *last;
    uint32_t next; /* line in the ring of lines that have something */
};

struct queue {
    struct queue_line lines[QUEUE_PRINCIPALS_MAX];
    uint32_t current; /* line whose turn it is; meaningful when requests > 0 */
    uint32_t previous;
    uint64_t requests;
    uint64_t items; /* transfers and accounts not yet taken; other requests count one */
};

/* A part of a request: items [from, from + count). */
struct queue_piece {
    struct request *request;
    uint32_t from;
    uint32_t count;
    bool last; /* nothing of the request is left in the queue */
};

/* STATUS_LIMIT when QUEUE_REQUESTS_MAX or QUEUE_TRANSFERS_MAX would be passed. */
enum status queue_add(struct queue *queue, struct request *request) MUST_CHECK;

/*
 * The next piece of at most items_max items; false when there is none, or when a linked group
 * that comes first is longer than that (items_max below LINKED_MAX only).
 */
bool queue_take(struct queue *queue, uint32_t items_max, struct queue_piece *out_piece);

/* Takes out a request of which a part was taken already; NULL when there is none. */
struct request *queue_take_begun(struct queue *queue);
/* Takes out any request; NULL when the queue is empty. */
struct request *queue_take_any(struct queue *queue);

/* How many items a request has for the queue's count, and for room in a batch. */
uint32_t request_items(const struct request *request);

#endif
