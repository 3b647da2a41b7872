/* lane_rig.h - a lane on threads and SQLite, with a wall clock and a store that obey the test. */
#ifndef TESTS_PORT_LANE_RIG_H
#define TESTS_PORT_LANE_RIG_H

#include <stdatomic.h>

#include "tests/port/store_scratch.h"
#include "wallet/lane.h"

enum rig_fault {
    RIG_GOOD,
    RIG_REFUSED,      /* the next append says fault_status, and nothing is written */
    RIG_DOUBT_LOST,   /* it says IN_DOUBT, and nothing is written */
    RIG_DOUBT_LANDED, /* it says IN_DOUBT, and it is written */
};

struct rig_store {
    struct store port; /* first; so in all below */
    struct rig *rig;
};
struct rig_clock {
    struct clock port;
    struct rig *rig;
};

/* Zeroed, then rig_open(). */
struct rig {
    char folder[SCRATCH_PATH_SIZE];
    struct lane_options options; /* zero: small ones */
    struct lane *lane;
    struct store *_Atomic inner; /* a test may put another in its place */
    struct run_store *runs;
    struct rig_store store;
    struct rig_clock clock;
    struct log log;
    atomic_llong wall_ns; /* the wall clock when the monotonic one shows 0 */
    atomic_int fault;     /* enum rig_fault */
    atomic_int fault_status;
    atomic_int fault_every; /* not 0: each so-manieth append is in doubt, by turns */
    atomic_uint reopen_fails;
    atomic_uint appends;
};

/* Makes the folder of that name, empty, with an empty journal. */
void rig_create(struct rig *rig, const char *name);
/* Opens stores and lane; fails the test when it cannot. */
void rig_open(struct rig *rig);
/* Closes what is open. */
void rig_close(struct rig *rig);

struct uuid rig_id(uint64_t number);
/* Makes the accounts numbered from 1 on. */
void rig_accounts(struct rig *rig, uint32_t count);
struct transfer rig_transfer(uint64_t id, uint64_t debit, uint64_t credit, uint64_t minor);
struct transfer rig_hold(uint64_t id, uint64_t minor, uint32_t timeout_s);
/* Runs `count` transfers in one request of that principal; the request's status. */
enum status rig_run(struct rig *rig, uint64_t principal, const struct transfer *transfers,
                    struct transfer_result *results, uint32_t count) MUST_CHECK;
/* One, repeated while the lane says that it may be; its result. */
struct transfer_result rig_insist(struct rig *rig, uint64_t principal, struct transfer transfer);
struct account_state rig_account(struct rig *rig, uint64_t number);
struct lane_status rig_status(struct rig *rig);

/* Starts threads 0..count-1 with body(rig, number) and waits for all. */
void rig_threads(struct rig *rig, uint32_t count, void (*body)(struct rig *rig, uint32_t number));
/* Gives the processor away for a moment. */
void rig_pause(void);

#endif
