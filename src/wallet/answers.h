/* answers.h - requests that wait for their answer, in order, and the giving of it. */
#ifndef WALLET_ANSWERS_H
#define WALLET_ANSWERS_H

#include "wallet/lane.h"

/*
 * Once a request is answered, its owner may free it at once: whoever gives answers looks at no
 * request afterwards. Callers in lane_wait() share a monitor with those who submitted while the
 * same batch was in the air, so that one visit to it and one wake are enough for most of a batch.
 */
struct answers {
    struct request *first;
    struct request *last;
    uint32_t count;
};

enum {
    /* More than batches that somebody can wait for at one time, so that few wake in vain. */
    ANSWERS_WAITERS = 64,
};

/* Where callers wait: the lane's, made and freed by it. */
struct answers_waiters {
    struct sync *sync;
    struct monitor *monitors[ANSWERS_WAITERS]; /* by request->waiter */
};

void answers_add(struct answers *answers, struct request *request);

/* Answers one request, which is in no list. */
void answer_give(const struct answers_waiters *waiters, struct request *request,
                 enum status status);

/* What was decided for them is durable: each gets its own status. */
void answers_give(const struct answers_waiters *waiters, struct answers answers);

/*
 * They are not durable, so whatever was decided for them is void; but parts of a request that
 * spans batches may be done.
 */
void answers_refuse(const struct answers_waiters *waiters, struct answers answers,
                    enum status status);

/* For lane_wait(). */
void answers_wait(const struct answers_waiters *waiters, const struct request *request);

#endif
