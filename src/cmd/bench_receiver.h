/* bench_receiver.h - an endpoint in this process that webhooks are sent to, and counted at. */
#ifndef CMD_BENCH_RECEIVER_H
#define CMD_BENCH_RECEIVER_H

#include "adapter/load_histogram.h"
#include "base/error.h"
#include "cmd/session.h"

/* Answers 200 to everything, on a port of the kernel's choice, from a thread of its own. */
struct bench_receiver;

/* What arrived. An event's time is from the millisecond of its payment's id until it was here. */
struct bench_told {
    uint64_t events;   /* each once, in order of their numbers */
    uint64_t again;    /* numbers that were here before */
    uint64_t gaps;     /* numbers that were left out */
    uint64_t odd;      /* requests that are no event of a payment */
    uint64_t first_ns; /* wall clock: the first id's, and the last arrival */
    uint64_t last_ns;
    struct load_histogram took;
};

enum status bench_receiver_open(struct bench_receiver **out_receiver, struct error *out_error)
    MUST_CHECK;
/* Accepts NULL. */
void bench_receiver_close(struct bench_receiver *receiver);

/* Has the ledger send each payment.succeeded there, over a session of its operator. */
enum status bench_receiver_enrol(struct bench_receiver *receiver, struct session *session,
                                 struct error *out_error) MUST_CHECK;

/* Until so many events were told, or wait_ms is over; then what there is. */
void bench_receiver_wait(struct bench_receiver *receiver, uint64_t events, uint64_t wait_ms,
                         struct bench_told *out_told);

#endif
