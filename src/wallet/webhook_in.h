/* webhook_in.h - webhooks of PSPs: verified, stored whole, then one command each; or turned away. */
#ifndef WALLET_WEBHOOK_IN_H
#define WALLET_WEBHOOK_IN_H

#include "payment/event_reader.h"
#include "port/inbox.h"
#include "wallet/lane.h"
#include "webhook/rejections.h"

/*
 * A webhook is verified in memory over its raw bytes, then stored whole in the inbox, then read,
 * and then becomes one command to the lane, whose idempotency key is made of the PSP and the
 * event's id: mark and effect are one unit, and the same event again, whatever its other bytes,
 * is a repeat. An event of an order is a HINT; one of a chargeback a DISPUTE. Only what a PSP
 * carries out itself can be meant.
 *
 * A chargeback is decided after it is opened: when the news come in another order, what must
 * have happened before is done first, without a key of its own, and the event that tells of it
 * later changes nothing.
 *
 * What the lane could not take stays in the inbox without a mark. A task takes it up again, at
 * the start and whenever it has waited twice as long, and removes what is over its age.
 *
 * All calls from any task.
 */
struct webhook_in;

enum {
    WEBHOOK_SENDERS_MAX = 16,
    WEBHOOK_IN_BODY_SIZE_MAX = 256 << 10,
    WEBHOOK_IN_TEXT_SIZE = 192,
};

/* One that sends: a PSP by its name, the wire of its bodies, and what they are signed with. */
struct webhook_sender {
    char name[PSP_NAME_SIZE];
    event_reader event_read;
    struct webhook_policy policy;
    struct signing_key keys[SIGNING_KEYS_MAX];
    uint32_t key_count;
};

/* Value, text. The first four are told the sender as 200, so that it does not come again. */
#define WEBHOOK_IN_TABLE(X)                                                                        \
    X(DONE, "done")             /* its command is durable */                                       \
    X(REPEATED, "repeated")     /* it was done before */                                           \
    X(IGNORED, "ignored")       /* of a type, or a payment, that we know nothing of */             \
    X(KEPT, "kept")             /* cannot be acted on: kept for a person */                        \
    X(REJECTED, "rejected")     /* its signature is not good: 401 */                               \
    X(UNKNOWN, "unknown")       /* nobody of that name sends here */                               \
    X(NOT_STORED, "not_stored") /* nothing is left of it: it is to be sent again */                \
    X(NOT_TAKEN, "not_taken")   /* stored; the lane cannot take it now */

#define WEBHOOK_IN_ENUM(name, text) WEBHOOK_IN_##name,
enum webhook_in_result { WEBHOOK_IN_TABLE(WEBHOOK_IN_ENUM) WEBHOOK_IN_COUNT };
#undef WEBHOOK_IN_ENUM
/* Static. CHECKs that it is one. */
const char *webhook_in_result_name(unsigned result);

struct webhook_in_options {
    struct lane *lane;
    struct lane_ports ports; /* all that is pointed to outlives it */
    struct inbox *inbox;
    uint32_t route; /* of the operation, for the journal */
    /* Copied, with keys of their own. */
    const struct webhook_sender *senders;
    uint32_t sender_count;
    bool stepped; /* no task is started: webhook_in_step() is called */
};

/* STATUS_LIMIT: no memory; STATUS_UNAVAILABLE: no task can be started. */
enum status webhook_in_open(const struct webhook_in_options *options, struct webhook_in **out_in,
                            struct error *out_error) MUST_CHECK;
/* Nobody may be inside; before the lane is drained. Accepts NULL. */
void webhook_in_close(struct webhook_in *in);

struct webhook_arrival {
    struct str name; /* of the sender, as the path has it */
    struct webhook_message message;
    struct trace trace;
};

/* Blocks for two commits at most. text, for REJECTED and KEPT: why; never a secret. */
enum webhook_in_result webhook_in_receive(struct webhook_in *in,
                                          const struct webhook_arrival *arrival,
                                          char out_text[WEBHOOK_IN_TEXT_SIZE]);

/* Takes up what has no mark, and removes what is too old: what the task does each second. */
void webhook_in_step(struct webhook_in *in);

/* A webhook of the inbox, which has only verified ones. */
struct webhook_told {
    struct wall_time received_at;
    char sender[PSP_NAME_SIZE];
    uint8_t mark; /* enum inbox_mark */
    bool is_read; /* else nobody here can read it any more, and the rest is not known */
    uint8_t kind; /* enum psp_event_kind */
    char event[PSP_TOKEN_SIZE];
    struct uuid key; /* in the context of the unit that it has brought about, if there is one */
};
enum { WEBHOOK_TOLD_MAX = 100 };

/*
 * What came about a payment and is still in the inbox, oldest first; as many as there is room for.
 * STATUS_CORRUPT, STATUS_UNAVAILABLE: of the inbox.
 */
enum status webhook_in_told(struct webhook_in *in, const struct payment *payment,
                            struct webhook_told out_told[WEBHOOK_TOLD_MAX], uint32_t *out_count,
                            struct error *out_error) MUST_CHECK;

struct webhook_in_status {
    uint64_t results[WEBHOOK_IN_COUNT]; /* of what came, since the start */
    uint64_t rejected[WEBHOOK_REASON_COUNT];
    uint64_t redone; /* taken up again after the lane, or the process, had failed */
};
void webhook_in_get_status(struct webhook_in *in, struct webhook_in_status *out_status);

/* The index-th newest rejection from 0 on; false: there is none. */
bool webhook_in_rejection(struct webhook_in *in, uint64_t index, struct rejection *out_rejection);

/* ---- Pure, for tests ---- */

/* The key of the one command that an event may have. */
struct uuid webhook_in_key(const char *sender, const char *event);
/* The payment that a chargeback of a PSP is, in the lane that it is told to. */
struct payment_id webhook_in_chargeback(struct lane_part part, const char *sender,
                                        const char *chargeback);

#endif
