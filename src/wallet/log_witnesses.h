/* log_witnesses.h - has witnesses cosign what the log signs, and shows what enough of them saw. */
#ifndef WALLET_LOG_WITNESSES_H
#define WALLET_LOG_WITNESSES_H

#include "port/http_out.h"
#include "tlog/witness_wire.h"
#include "wallet/log_relay.h"

/*
 * A task for each witness submits one signed head, the candidate, by C2SP tlog-witness, and backs
 * off while its witness is down. As soon as `quorum` of them have cosigned it, it is shown
 * (log_relay_show()), and again with each cosignature that comes after. It is replaced by the
 * newest signed head when all have cosigned it; or when the quorum has, and LOG_WITNESSES_GATHER_MS
 * have passed; or when LOG_WITNESSES_LATE_S have. Without the quorum readers see what they saw.
 *
 * Nothing here holds the journal or the signing up. What a witness says is believed only about
 * itself: its cosignature is verified, its size is where the next proof begins. When it holds
 * another history, or a longer one, than is signed here, an alarm says so once.
 */
enum {
    LOG_WITNESSES_MAX = 16,
    LOG_WITNESS_URL_SIZE = 512,
    LOG_WITNESSES_POLL_MS = 100,
    LOG_WITNESSES_GATHER_MS = 1000,
    LOG_WITNESSES_CONNECT_MS = 3000,
    LOG_WITNESSES_CALL_MS = 6000,
    LOG_WITNESSES_BACKOFF_MS = 500,       /* after the first failure, then doubled */
    LOG_WITNESSES_BACKOFF_MS_MAX = 60000, /* at once after a refusal or a contradiction */
    LOG_WITNESSES_LATE_S = 10,            /* without a quorum: a warning; longer than a call */
};

_Static_assert(LOG_WITNESSES_LATE_S * 1000 > LOG_WITNESSES_CALL_MS,
               "a candidate stays while its calls are under way");

struct log_witness {
    struct note_key key;            /* of NOTE_COSIGNATURE (CHECKed) */
    char url[LOG_WITNESS_URL_SIZE]; /* the submission prefix, without the last slash */
};

/* The numbers are those of the metric. */
enum log_witness_state {
    LOG_WITNESS_NEW = 0,         /* not asked yet */
    LOG_WITNESS_COSIGNS = 1,     /* the newest call was cosigned */
    LOG_WITNESS_FAILS = 2,       /* not reached, or it cannot, or says nothing that is understood */
    LOG_WITNESS_REFUSES = 3,     /* does not know this log or its key */
    LOG_WITNESS_CONTRADICTS = 4, /* has seen another history, or a longer one */
};

struct log_witnesses_ports { /* all belong to the caller and outlive this */
    struct sync *sync;
    struct clock *clock;
    struct log *log;
    struct http_out *http;
};

struct log_witnesses_options {
    const struct log_witness *witnesses; /* distinct; outlive this */
    uint32_t count;                      /* 1 to LOG_WITNESSES_MAX */
    uint32_t quorum;                     /* 1 to count */
    bool private_allowed;                /* see port/http_out.h */
    bool tasks;                          /* false: log_witnesses_step() is called */
};

struct log_witness_status {
    enum log_witness_state state;
    uint64_t size; /* of the newest head that it cosigned for us in this life; 0: none */
    uint64_t cosigned;
    uint64_t failed;    /* calls that came to anything else, but for a size to go on from */
    struct error fault; /* of the newest of those */
};

struct log_witnesses_status {
    uint64_t candidate; /* leaves; 0: nothing is signed */
    uint32_t cosigned;  /* by so many */
    uint64_t signed_;   /* leaves of the newest signed head */
    uint64_t shown;
    uint32_t count;
    struct log_witness_status witnesses[LOG_WITNESSES_MAX];
};

struct log_witnesses;

/* relay was opened with `cosigned`, and outlives this. STATUS_LIMIT, STATUS_UNAVAILABLE. */
enum status log_witnesses_open(struct log_relay *relay, const struct log_witnesses_ports *ports,
                               const struct log_witnesses_options *options,
                               struct log_witnesses **out_witnesses, struct error *out_error)
    MUST_CHECK;
/* Waits for calls under way, LOG_WITNESSES_CALL_MS at most. Accepts NULL. */
void log_witnesses_close(struct log_witnesses *witnesses);

/* What witness `index` has to do now, if anything: true when it was asked. Without tasks. */
bool log_witnesses_step(struct log_witnesses *witnesses, uint32_t index);

/* Any task. */
void log_witnesses_get_status(struct log_witnesses *witnesses,
                              struct log_witnesses_status *out_status);
void log_witnesses_write_metrics(struct log_witnesses *witnesses, struct buf *out_page);

#endif
