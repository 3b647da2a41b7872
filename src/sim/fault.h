/* fault.h - what can go wrong in the simulated world, how often, and how often it did. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/world.h"

/* Name and what it is. */
#define SIM_FAULT_TABLE(X)                                                                         \
    X(CRASH, "crash", "the process dies; what was not durable is gone")                            \
    X(STALL, "stall", "a task does not run for a while")                                           \
    X(SPURIOUS_WAKE, "spurious_wake", "a wait ends without a cause")                               \
    X(SPAWN_FAILS, "spawn_fails", "no task can be started")                                        \
    X(STORE_UNAVAILABLE, "store_unavailable", "a call of the store fails before its effect")       \
    X(STORE_SLOW, "store_slow", "a call of the store takes seconds")                               \
    X(DISK_FULL, "disk_full", "appends find the disk full for a while")                            \
    X(LOST_COMMIT, "lost_commit", "in doubt, and the batch is not there")                          \
    X(LOST_REPLY, "lost_reply", "in doubt, and the batch is there")                                \
    X(REOPEN_FAILS, "reopen_fails", "the store cannot be reopened for a while")                    \
    X(SECOND_OWNER, "second_owner", "another process takes the lane over")                         \
    X(FLIP_BATCH, "flip_batch", "a bit of a stored batch is wrong")                                \
    X(FLIP_SLICE, "flip_slice", "a bit of a stored checkpoint slice is wrong")                     \
    X(RUNS_UNAVAILABLE, "runs_unavailable", "a call of the run store fails before its effect")     \
    X(RUNS_FULL, "runs_full", "the run store finds the disk full")                                 \
    X(RUNS_LOST, "runs_lost", "a crash takes the run store back to an earlier commit")             \
    X(RUNS_LOST_ALL, "runs_lost_all", "a crash empties the run store")                             \
    X(RUNS_DAMAGED, "runs_damaged", "a chunk or summary of a run is damaged")                      \
    X(CLOCK_FORWARD, "clock_forward", "the wall clock steps ahead, within the allowed jump")       \
    X(CLOCK_BACK, "clock_back", "the wall clock steps back")                                       \
    X(CLOCK_JUMP, "clock_jump", "the wall clock jumps ahead further than is allowed")              \
    X(LOG_FILES_UNAVAILABLE, "log_files_unavailable", "a call of the log's files does nothing")    \
    X(LOG_FILES_IN_DOUBT, "log_files_in_doubt", "a write of the log's files fails, and is there")  \
    X(LOG_FILES_FULL, "log_files_full", "the log's files find the disk full")                      \
    X(LOG_FILES_LOST, "log_files_lost", "a crash takes a file of the log back, or tears it")       \
    X(LOG_FILES_LOST_ALL, "log_files_lost_all", "a crash takes all files of the log")              \
    X(PSP_NOT_SENT, "psp_not_sent", "a call does not reach the PSP, and that is known")            \
    X(PSP_THROTTLED, "psp_throttled", "the PSP refuses to look at an order")                       \
    X(PSP_SLOW, "psp_slow", "a call of the PSP takes seconds")                                     \
    X(PSP_REQUEST_LOST, "psp_request_lost", "no answer, and no effect at the PSP")                 \
    X(PSP_REQUEST_LATE, "psp_request_late", "no answer, and the effect comes later")               \
    X(PSP_REPLY_LOST, "psp_reply_lost", "no answer, after the effect at the PSP")                  \
    X(PSP_GARBAGE, "psp_garbage", "an answer that nobody understands, after the effect")           \
    X(PSP_WRONG_AMOUNT, "psp_wrong_amount", "the answer names another amount")                     \
    X(PSP_QUERY_BLIND, "psp_query_blind", "a query does not find what is young")                   \
    X(WEBHOOK_LOST, "webhook_lost", "a webhook does not come while faults last")                   \
    X(WEBHOOK_LATE, "webhook_late", "a webhook comes late, after others")                          \
    X(WEBHOOK_TWICE, "webhook_twice", "a webhook comes twice")                                     \
    X(LINK_LOST, "link_lost", "what is asked of another lane does not reach it")                   \
    X(LINK_LATE, "link_late", "no answer from another lane, which is asked only later")            \
    X(LINK_SLOW, "link_slow", "another lane is reached after seconds")                             \
    X(LINK_REPLY_LOST, "link_reply_lost", "no answer from another lane, after the effect")

#define SIM_FAULT_ENUM(name, text, sentence) SIM_FAULT_##name,
enum sim_fault { SIM_FAULT_TABLE(SIM_FAULT_ENUM) SIM_FAULT_COUNT };
#undef SIM_FAULT_ENUM
/* From here on they need a PSP: only the workload of payments has one. */
enum { SIM_FAULT_PSP_FIRST = SIM_FAULT_PSP_NOT_SENT };
/* And from here on another lane: only the workload of lanes has that. */
enum { SIM_FAULT_LINK_FIRST = SIM_FAULT_LINK_LOST };

/*
 * The scheduling points inside ports: where a process can crash. Name, text, and how many times
 * a life passes it at least, about: a crash that aims at the point picks one of these passes.
 */
#define SIM_POINT_TABLE(X)                                                                         \
    X(STORE_HEAD, "store.head", 24)                                                                \
    X(STORE_CLAIM, "store.claim", 1)                                                               \
    X(STORE_CLAIMED, "store.claim, after", 1)                                                      \
    X(STORE_ROOM, "store.room", 24)                                                                \
    X(STORE_APPEND, "store.append", 24)                                                            \
    X(STORE_FLUSH, "store.append, before durable", 24)                                             \
    X(STORE_APPENDED, "store.append, after durable", 24)                                           \
    X(STORE_REOPEN, "store.reopen", 2)                                                             \
    X(STORE_READ, "store.read", 24)                                                                \
    X(STORE_READ_PART, "store.read_part", 24)                                                      \
    X(STORE_FIND_STAMP, "store.find_stamp", 2)                                                     \
    X(STORE_SLICE_LIST, "store.slice_list", 24)                                                    \
    X(STORE_SLICE_READ, "store.slice_read", 24)                                                    \
    X(RUNS_CURSOR, "run_store.cursor", 24)                                                         \
    X(RUNS_LIST, "run_store.list", 24)                                                             \
    X(RUNS_SUMMARY_READ, "run_store.summary_read", 2)                                              \
    X(RUNS_CHUNK_READ, "run_store.chunk_read", 4)                                                  \
    X(RUNS_CHUNK_WRITE, "run_store.chunk_write", 2)                                                \
    X(RUNS_COMMIT, "run_store.commit", 2)                                                          \
    X(RUNS_COMMITTED, "run_store.commit, after", 2)                                                \
    X(RUNS_CLEAR, "run_store.clear", 1)                                                            \
    X(SYNC_LOCK, "sync.lock", 24)                                                                  \
    X(SYNC_WAIT, "sync.wait", 24)                                                                  \
    X(SYNC_SPAWN, "sync.spawn", 3)                                                                 \
    X(CLOCK_READ, "clock", 24)                                                                     \
    X(ENTROPY_FILL, "entropy.fill", 24)                                                            \
    X(LOG_WRITE, "log.write", 3)                                                                   \
    X(LOG_FILES_READ, "log_files.read", 4)                                                         \
    X(LOG_FILES_WRITE, "log_files.write", 4)                                                       \
    X(LOG_FILES_WRITTEN, "log_files.write, after", 4)                                              \
    X(LOG_FILES_REMOVE, "log_files.remove", 2)                                                     \
    X(LOG_FILES_SYNC, "log_files.sync", 2)                                                         \
    X(LOG_FILES_SYNCED, "log_files.sync, after", 2)                                                \
    X(LOG_HEAD_READ, "log_head.read", 1)                                                           \
    X(LOG_HEAD_WRITE, "log_head.write", 2)                                                         \
    X(LOG_HEAD_WRITTEN, "log_head.write, after", 2)                                                \
    X(LOG_CHECKPOINT, "log's checkpoint, before it is shown", 2)                                   \
    X(LOG_CHECKPOINT_SHOWN, "log's checkpoint, shown", 2)                                          \
    X(PSP_ORDER, "psp.order, before it is sent", 12)                                               \
    X(PSP_ORDERED, "psp.order, after the effect", 12)                                              \
    X(PSP_QUERY, "psp.query", 8)                                                                   \
    X(PSP_QUERIED, "psp.query, answered", 8)                                                       \
    X(LINK_SEND, "link, before another lane is asked", 12)                                         \
    X(LINK_SENT, "link, another lane has answered", 12)

#define SIM_POINT_ENUM(name, text, passes) SIM_POINT_##name,
enum sim_point { SIM_POINT_TABLE(SIM_POINT_ENUM) SIM_POINT_COUNT };
#undef SIM_POINT_ENUM
enum { SIM_POINT_PSP_FIRST = SIM_POINT_PSP_ORDER, SIM_POINT_LINK_FIRST = SIM_POINT_LINK_SEND };

/* Static strings. */
const char *sim_fault_name(enum sim_fault fault);
const char *sim_point_name(enum sim_point point);
uint32_t sim_point_passes(enum sim_point point);

enum { FAULT_RATE_ALWAYS = 65536 };

/*
 * Each fault draws from a stream of its own: switching one off does not shift the others.
 * Rates are in 65,536ths per opportunity.
 */
struct faults {
    bool calm; /* nothing strikes any more */
    uint32_t rates[SIM_FAULT_COUNT];
    struct prng streams[SIM_FAULT_COUNT];
    uint64_t hits[SIM_FAULT_COUNT];
    uint64_t crash_points[SIM_POINT_COUNT]; /* crashes at each */
    uint64_t visits[SIM_POINT_COUNT];       /* passes of each */
};

/* No fault has a rate yet. */
void faults_init(struct faults *faults, const struct world *world);
/* From now on they draw from streams of their own: independent of those of another `first`. */
void faults_draw_from(struct faults *faults, const struct world *world, uint64_t first);
/* Whether it strikes now; counts it. */
bool fault_strikes(struct faults *faults, enum sim_fault fault);
/* A value for the shape of a fault: from..to, both included. */
uint64_t fault_between(struct faults *faults, enum sim_fault fault, uint64_t from, uint64_t to);

#endif
